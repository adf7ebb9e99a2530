"""Starting, reloading and stopping."""

import time

from harness.errors import Failure, check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

INFO = "http://jabber.org/protocol/disco#info"


@scenario(fresh=True, differs={"prosody": "sometimes ends before it has written that to everybody"})
def scenario_sigterm(stage):
    """RFC 6120 §4.9.3.21: stopping says <system-shutdown/> to everybody and ends in time."""
    romeo, juliet = stage.client("romeo").online(), stage.client("juliet")
    juliet.login()
    stage.server.process.terminate()
    for client in (romeo, juliet):
        client.stream_error("system-shutdown")
    check_equal(stage.server.wait(), 0, "the exit code")


@scenario(fresh=True, users="", differs={"prosody": "sometimes closes such connections without a word"})
def scenario_sigterm_before_authentication(stage):
    """RFC 6120 §4.9.3.21: the same for streams that are still negotiating, before and in TLS."""
    plain, tls = stage.raw("plain"), stage.raw("tls")
    plain.connect_tcp()
    plain.open_stream()
    tls.secure()
    stage.server.process.terminate()
    for client in (plain, tls):
        client.stream_error("system-shutdown")
    check_equal(stage.server.wait(), 0, "the exit code")


@scenario(fresh=True)
def scenario_restart_keeps_everything(stage):
    """What was answered before a stop is there after the start."""
    romeo = stage.client("romeo")
    romeo.login()
    romeo.iq("set", "<query xmlns='jabber:iq:roster'><item jid='nurse@localhost' name='N'/></query>")
    romeo.iq("set", "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>")
    romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='kept'><body>x</body></message>")
    romeo.ping()
    stage.restart()
    juliet, again = stage.client("juliet").online(), stage.client("romeo", "again")
    check_equal(juliet.receive().get("id"), "kept", "the stored message")
    again.login()
    roster = again.iq("get", "<query xmlns='jabber:iq:roster'/>")
    check_equal([i.get("name") for i in roster[0]], ["N"], "the roster")
    check_equal(again.iq("get", "<vCard xmlns='vcard-temp'/>")[0][0].text, "Romeo", "the vCard")


@scenario(fresh=True)
def scenario_kill(stage):
    """docs/security.md: what was answered survives the death of the process."""
    romeo = stage.client("romeo")
    romeo.login()
    for n in range(20):
        romeo.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='n{n}@localhost'/></query>")
    stage.kill()
    stage.start()
    again = stage.client("romeo", "again")
    again.login()
    roster = again.iq("get", "<query xmlns='jabber:iq:roster'/>")
    check_equal(len(roster[0]), 20, "the number of contacts")


@scenario(fresh=True)
def scenario_reload_keeps_connections(stage):
    """SIGHUP: streams, sessions and presence stay; new ones come in."""
    romeo, juliet = stage.client("romeo").online(), stage.client("juliet")
    for _ in range(3):
        stage.reload()
        time.sleep(0.1)
        romeo.ping()
    juliet.login()
    juliet.send(f"<message to='{stage.bare('romeo')}' type='chat' id='m'><body>x</body></message>")
    check_equal(romeo.receive().get("id"), "m", "the message after the reload")


@scenario(config='contact_abuse = "mailto:old@shakespeare.example"',
          differs={"prosody": "reads the option when the module is loaded"})
def scenario_reload_takes_effect(stage):
    """SIGHUP: what changed in the configuration holds for streams that are open."""
    romeo = stage.client("romeo")
    romeo.login()
    check_equal(_abuse(romeo), "mailto:old@shakespeare.example", "the address at first")
    stage.apply({"contact_abuse": "mailto:new@shakespeare.example"})
    stage.reload()
    deadline = time.monotonic() + 5
    while _abuse(romeo) != "mailto:new@shakespeare.example":
        if time.monotonic() > deadline:
            raise Failure("the new address is not there after 5 s")
        time.sleep(0.1)


def _abuse(client):
    answer = client.iq("get", f"<query xmlns='{INFO}'/>", client.server.host)
    field = answer.find(".//{jabber:x:data}field[@var='abuse-addresses']/{jabber:x:data}value")
    return None if field is None else field.text


@scenario(fresh=True)
def scenario_reload_with_errors(stage):
    """SIGHUP with a broken configuration: the old one stays in force and nobody is dropped."""
    romeo = stage.client("romeo")
    romeo.login()
    for path in stage.server.folder.glob("*.toml"):
        path.write_text("this is = = not a configuration\n")
    for path in stage.server.folder.glob("*.cfg.lua"):
        path.write_text("this is = = not a configuration\n")
    stage.reload()
    time.sleep(0.3)
    romeo.ping()
    check(stage.server.alive(), "the server ended")
    stage.client("juliet").login()


@scenario(fresh=True)
def scenario_two_sigterms(stage):
    """A second SIGTERM while it stops is no accident."""
    romeo = stage.client("romeo")
    romeo.online()
    stage.server.process.terminate()
    stage.server.process.terminate()
    stage.server.wait()
    romeo.quiet(1)
    check(romeo.eof, "the connection is still open")


@scenario(fresh=True)
def scenario_offline_in_order_over_restart(stage):
    """XEP-0160: fifty stored messages come in their order, also after a restart."""
    romeo = stage.client("romeo")
    romeo.login()
    for n in range(50):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat'><body>{n}</body></message>")
    romeo.ping()
    romeo.collect(0.3)
    stage.restart()
    juliet = stage.client("juliet").online()
    bodies = [juliet.receive().findtext(f"{{{CLIENT}}}body") for _ in range(50)]
    check_equal(bodies, [str(n) for n in range(50)], "the messages")
