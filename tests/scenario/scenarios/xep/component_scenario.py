"""XEP-0114: external components, from outside."""

import time

from harness import xmltree
from harness.component import COMPONENT, IQ, MESSAGE, PRESENCE, Component
from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

DOMAIN = "irc.localhost"
SECRET = "wherefore"
CONFIG = "component = { 'irc.localhost' = { secret = 'wherefore' } }"
MANY = "component = { 'irc.localhost' = { secret = 'wherefore', connections = 3 } }"
SM = "{urn:xmpp:sm:3}"
PROSODY = {"prosody": "the driver configures no components"}


def _irc(stage, name=None):
    return Component(stage, DOMAIN, SECRET, name)


def _condition(element):
    error = element.find(f"{{{CLIENT}}}error")
    check(element.get("type") == "error" and error is not None, xmltree.show(element))
    return error.get("type"), [xmltree.split(e.tag)[1] for e in error][0]


def _same_user(shown, wanted):
    check(shown.split("/")[0] == wanted, f"{shown} is not {wanted}")


def _becomes(so):
    """Whether it is so soon: one shard of the server tells the others."""
    deadline = time.monotonic() + 5
    while not so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@scenario(config=CONFIG, differs=PROSODY)
def scenario_handshake(stage):
    """XEP-0114 §3: header with an id, digest, empty handshake; the same id never comes again."""
    irc = _irc(stage)
    irc.connect_tcp()
    first = irc.open_stream()
    check_equal(irc.header.get("from"), DOMAIN, "the server's header")
    check_equal(irc.header.get("version"), None, "a version, where no features come")
    irc.handshake(first)
    answer = irc.receive()
    check_equal((answer.tag, len(answer), answer.text), (f"{{{COMPONENT}}}handshake", 0, None),
                "the answer")
    other = _irc(stage)
    other.connect_tcp()
    check(other.open_stream() != first, "an id came twice")
    irc.send("</stream:stream>")
    irc.closed()


@scenario(config=CONFIG, differs=PROSODY)
def scenario_refused(stage):
    """XEP-0114 §3 and RFC 6120 §4.9.3: what is no component of ours gets in nowhere."""
    for to, namespace, condition in (("xmpp.localhost", COMPONENT, "host-unknown"),
                                     ("localhost", COMPONENT, "host-unknown"),
                                     (DOMAIN, CLIENT, "invalid-namespace"),
                                     (DOMAIN, "jabber:component:connect", "invalid-namespace")):
        irc = _irc(stage)
        irc.connect_tcp()
        irc.open_stream(to, namespace)
        irc.stream_error(condition)
    for written in ("<message from='irc.localhost' to='localhost'/>", "<handshake/>",
                    f"<handshake>{'0' * 40}</handshake>", "<handshake xmlns='a'/>"):
        irc = _irc(stage)
        irc.connect_tcp()
        irc.open_stream()
        irc.send(written)
        irc.stream_error("not-authorized")
    irc = _irc(stage)
    irc.connect_tcp()
    irc.open_stream()
    irc.send("<handshake><?pi?></handshake>")
    irc.stream_error("restricted-xml")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_wrong_secret_is_slowed(stage):
    """docs/security.md: each wrong secret is answered later; a right one at once."""
    slowest = 0
    for _ in range(6):
        irc = _irc(stage)
        irc.secret = "therefore"
        irc.connect_tcp()
        irc.handshake(irc.open_stream())
        began = time.monotonic()
        irc.stream_error("not-authorized", 10)
        slowest = max(slowest, time.monotonic() - began)
    check(slowest > 0.2, f"guessing costs only {slowest:.3f} s")
    began = time.monotonic()
    _irc(stage).attach()
    check(time.monotonic() - began < slowest + 2, "the right secret was slowed")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_one_connection_only(stage):
    """A second connection gets <conflict/>, the first one lives, and its place can be taken."""
    irc = _irc(stage).attach()
    second = _irc(stage, "second")
    second.connect_tcp()
    second.handshake(second.open_stream())
    second.stream_error("conflict")
    romeo = stage.client("romeo").online()
    romeo.send(f"<message to='{DOMAIN}' id='1'><body>hi</body></message>")
    check_equal(irc.receive().get("id"), "1", "the message")
    irc.send("</stream:stream>")
    irc.closed()
    _irc(stage).attach()


@scenario(config=CONFIG, differs=PROSODY)
def scenario_messages(stage):
    """Both ways, with payloads, in each stream's own content namespace."""
    irc = _irc(stage).attach()
    romeo = stage.client("romeo", "orchard").online()
    romeo.send("<message to='#verona%example@irc.localhost/x' type='groupchat' id='m1'>"
               "<body>hi</body><x xmlns='urn:example'><body xmlns='jabber:client'/></x></message>")
    got = irc.receive()
    check_equal((got.tag, got.get("from"), got.get("to"), got.get("type")),
                (MESSAGE, romeo.jid, "#verona%example@irc.localhost/x", "groupchat"), "the message")
    check_equal(got.find(f"{{{COMPONENT}}}body").text, "hi", "the body")
    irc.send(f"<message from='#verona%example@irc.localhost/y' to='{romeo.jid}' type='groupchat' "
             "id='m2'><body>&lt;ho&gt;</body></message>")
    got = romeo.receive()
    check_equal((got.tag, got.get("from")),
                (f"{{{CLIENT}}}message", "#verona%example@irc.localhost/y"), "the answer")
    check_equal(got.find(f"{{{CLIENT}}}body").text, "<ho>", "the body")
    # Who is offline has it later, and who is nobody answers like an account (RFC 6121 §8.5.1).
    juliet = stage.bare("juliet")
    irc.send(f"<message from='bot@irc.localhost' to='{juliet}' type='chat' id='m3'>"
             "<body>later</body></message>")
    irc.send("<message from='bot@irc.localhost' to='nobody@localhost' type='chat' id='m4'>"
             "<body>?</body></message>")
    check_equal(irc.error(), "service-unavailable", "the answer of nobody")
    late = stage.client("juliet").online()
    check_equal(late.receive().get("id"), "m3", "what was kept")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_forged_from(stage):
    """XEP-0114 §3: a component speaks for its domain and for nobody else."""
    juliet = stage.client("juliet").online()
    for forged, condition in ((stage.bare("romeo"), "invalid-from"), ("localhost", "invalid-from"),
                              ("a@xirc.localhost", "invalid-from"), ("a@b@c", "invalid-from"),
                              (None, "improper-addressing")):
        irc = _irc(stage).attach()
        address = f"from='{forged}'" if forged else ""
        irc.send(f"<message {address} to='{juliet.jid}' id='f'><body>x</body></message>")
        irc.stream_error(condition)
    check_equal(juliet.collect(), [], "what juliet got")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_wrong_stanzas(stage):
    """RFC 6120 §8.3: a stanza that is wrong costs the stanza; what is none costs the stream."""
    irc = _irc(stage).attach()
    irc.send("<message from='a@irc.localhost' id='1'><body>to nobody</body></message>")
    check_equal(irc.error(), "bad-request", "without 'to'")
    irc.send("<message from='a@irc.localhost' to='a@b@c' id='2'/>")
    check_equal(irc.error(), "jid-malformed", "a 'to' that is none")
    irc.send("<iq from='irc.localhost' to='localhost' id='3' type='get'/>")
    check_equal(irc.error(), "bad-request", "an iq without payload")
    irc.send("<message from='irc.localhost' to='a@other.example' id='4'/>")
    check_equal(irc.error(), "remote-server-not-found", "a domain that nobody serves")
    irc.send("<a xmlns='b'/>")
    irc.stream_error("unsupported-stanza-type")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_requests(stage):
    """IQ both ways: of a user to the component, of the component to the server and to users."""
    irc = _irc(stage).attach()
    romeo = stage.client("romeo").online()
    asked = romeo.iq("get", "<query xmlns='jabber:iq:version'/>", DOMAIN, fetch=False)
    got = irc.receive()
    check_equal((got.tag, got.get("id"), got[0].tag), (IQ, asked, "{jabber:iq:version}query"), "iq")
    irc.send(f"<iq from='{DOMAIN}' to='{romeo.jid}' type='result' id='{asked}'>"
             "<query xmlns='jabber:iq:version'><name>irc</name></query></iq>")
    check_equal(romeo.answer(asked)[0][0].text, "irc", "the answer")
    irc.send(f"<iq from='{DOMAIN}' to='{romeo.jid}' type='get' id='p'><ping xmlns='urn:xmpp:ping'/>"
             "</iq>")
    ping = romeo.receive()
    romeo.send(f"<iq to='{DOMAIN}' type='result' id='{ping.get('id')}'/>")
    check_equal(irc.receive().get("type"), "result", "the pong")
    irc.send(f"<iq from='{DOMAIN}' to='localhost' type='get' id='d'>"
             "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    info = irc.receive()
    check_equal((info.get("id"), info.get("type")), ("d", "result"), "the server's answer")
    irc.send(f"<iq from='{DOMAIN}' to='{stage.bare('romeo')}' type='get' id='r'>"
             "<query xmlns='jabber:iq:roster'/></iq>")
    check_equal(irc.error(), "service-unavailable", "somebody else's roster")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_presence(stage):
    """RFC 6121 §3, §4: a roster may hold a component's addresses."""
    irc = _irc(stage).attach()
    romeo = stage.client("romeo").online(interested=True)
    bare = stage.bare("romeo")
    romeo.send("<presence type='subscribe' to='bot@irc.localhost'/>")
    got = irc.receive()
    check_equal((got.tag, got.get("type"), got.get("from")), (PRESENCE, "subscribe", bare), "it asks")
    irc.send(f"<presence type='subscribed' from='bot@irc.localhost' to='{bare}'/>"
             f"<presence from='bot@irc.localhost/x' to='{bare}'><show>chat</show></presence>"
             f"<presence type='subscribe' from='bot@irc.localhost' to='{bare}'/>")
    kinds = [e.get("type") for e in romeo.collect() if e.tag == f"{{{CLIENT}}}presence"]
    check_equal(kinds, ["subscribed", None, "subscribe"], "what romeo saw")
    romeo.send("<presence type='subscribed' to='bot@irc.localhost'/>")
    got = [irc.receive() for _ in range(2)]
    check_equal([e.get("type") for e in got], ["subscribed", None], "what the component saw")
    # Directed presence, as to a room, ends with the session (RFC 6121 §4.6.3), as does the rest.
    romeo.send("<presence to='#verona@irc.localhost/romeo'/>")
    check_equal(irc.receive().get("to"), "#verona@irc.localhost/romeo", "directed presence")
    romeo.disconnect()
    gone = {irc.receive().get("to"): None for _ in range(2)}
    check_equal(sorted(gone), ["#verona@irc.localhost/romeo", "bot@irc.localhost"], "who hears it")
    # §4.3: who comes is probed for, and a probe of the component is answered.
    romeo.online()
    kinds = sorted(str(irc.receive().get("type")) for _ in range(2))
    check_equal(kinds, ["None", "probe"], "at the next login")
    irc.send(f"<presence type='probe' from='bot@irc.localhost' to='{bare}'/>")
    _same_user(irc.receive().get("from"), bare)


@scenario(config=CONFIG, differs=PROSODY)
def scenario_not_connected(stage):
    """RFC 6120 §8.3.3.17: the service exists and cannot be reached now; disco tells who is there."""
    romeo = stage.client("romeo").online()
    romeo.send(f"<message to='a@{DOMAIN}' type='chat' id='1'><body>hi</body></message>")
    check_equal(_condition(romeo.receive()), ("wait", "remote-server-timeout"), "the error")
    romeo.send(f"<presence to='#verona@{DOMAIN}/romeo'/>")
    check_equal(_condition(romeo.receive()), ("wait", "remote-server-timeout"), "the error")

    def items():
        answer = romeo.iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>",
                          "localhost")
        return [e.get("jid") for e in answer[0]]

    check(DOMAIN not in items(), "the component is listed while it is away")
    irc = _irc(stage).attach()
    check(_becomes(lambda: DOMAIN in items()), "the component is not listed")
    irc.close()
    check(_becomes(lambda: DOMAIN not in items()), "the component is still listed")


@scenario(config=CONFIG + "\nlimits = { stalled = 5, rate = 0 }", differs=PROSODY)
def scenario_a_component_that_never_reads(stage):
    """It is dealt with like any peer: others go on, its stream ends, senders hear of their loss."""
    irc = _irc(stage)
    irc.attach(receive_buffer=4096)
    romeo = stage.client("romeo").online()
    juliet = stage.client("juliet").online()
    count = 250  # what is beyond the limit of unsettled messages has room in the sockets
    for n in range(count):
        romeo.send(f"<message to='a@{DOMAIN}' type='chat' id='m{n}'><body>{'x' * 20000}</body>"
                   "</message>")
    began = time.monotonic()
    juliet.ping()
    check(time.monotonic() - began < 2, "somebody else waits")
    errors = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and f"m{count - 1}" not in errors:
        element = romeo.receive(30)
        check_equal(_condition(element), ("wait", "remote-server-timeout"), "the error")
        errors.append(element.get("id"))
    check_equal(len(errors), len(set(errors)), "each loss is told once")
    lost = [int(e[1:]) for e in errors]
    check_equal(lost, list(range(lost[0], count)), "what was lost, in order")
    check(0 < lost[0], "what the system took is not called lost")
    romeo.ping()
    _irc(stage).attach()


@scenario(config=MANY, differs=PROSODY)
def scenario_load_balancing(stage):
    """Several connections: a bare JID always gets the same one; a fourth is one too many."""
    streams = [_irc(stage, f"irc{n}").attach() for n in range(3)]
    fourth = _irc(stage, "irc4")
    fourth.connect_tcp()
    fourth.handshake(fourth.open_stream())
    fourth.stream_error("conflict")
    romeo = stage.client("romeo").online()
    other = stage.client("romeo", "other", "romeo2").online()
    romeo.send(f"<message to='a@{DOMAIN}' id='1'/>")
    other.send(f"<message to='b@{DOMAIN}' id='2'/>")
    deadline = time.monotonic() + 5
    while sum(len(s.events) for s in streams) < 2 and time.monotonic() < deadline:
        for stream in streams:
            stream.pump(0.05)
    check_equal(sorted(len(s.events) for s in streams), [0, 0, 2], "how the two were spread")
    # Its stream goes, another one has the user.
    mine = next(s for s in streams if s.events)
    mine.events.clear()
    mine.send("</stream:stream>")
    mine.closed()
    romeo.send(f"<message to='a@{DOMAIN}' id='3'/>")
    rest = [s for s in streams if s is not mine]
    deadline = time.monotonic() + 5
    while sum(len(s.events) for s in rest) < 1 and time.monotonic() < deadline:
        for stream in rest:
            stream.pump(0.05)
    check_equal(sorted(len(s.events) for s in rest), [0, 1], "after one went")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_reload_and_restart(stage):
    """A reload takes components away and brings them; a restart says <system-shutdown/>."""
    irc = _irc(stage).attach()
    settings = {"irc.localhost": {"secret": "another"}, "sms.localhost": {"secret": "new"}}
    stage.apply({"component": settings})
    stage.control("reload")
    irc.stream_error("not-authorized")
    irc = _irc(stage)
    irc.secret = "another"
    irc.attach()
    sms = Component(stage, "sms.localhost", "new").attach()
    stage.apply({"component": {"irc.localhost": {"secret": "another"}}})
    stage.control("reload")
    sms.stream_error("host-gone")
    stage.restart()
    irc.stream_error("system-shutdown")
    irc.attach()


@scenario(config=CONFIG, differs=PROSODY)
def scenario_operator(stage):
    """balconyctl component list, show and add."""
    check("not connected" in stage.control("component", "list"), "the list without a connection")
    _irc(stage).attach()
    listed = stage.control("component", "list")
    check(DOMAIN in listed and "not connected" not in listed, listed)
    shown = stage.control("component", "show", DOMAIN)
    check("127.0.0.1" in shown and SECRET not in shown, shown)
    made = stage.control("component", "add", "xmpp.localhost", "biboumi")
    check("[component.\"xmpp.localhost\"]" in made and "hostname=xmpp.localhost" in made, made)
    secrets = {line.split("=", 1)[1].strip(" \"") for line in made.splitlines()
               if line.startswith(("secret = ", "password="))}
    check_equal(len(secrets), 1, "the secret on both sides")
    check(len(secrets.pop()) >= 22, "the secret is short")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_acknowledged_and_lost(stage):
    """XEP-0198 with a component: what it was sent is acknowledged to the client."""
    irc = _irc(stage).attach()
    romeo = stage.client("romeo")
    romeo.login()
    romeo.send("<enable xmlns='urn:xmpp:sm:3'/>")
    romeo.receive()
    romeo.send(f"<message to='a@{DOMAIN}' id='1'><body>x</body></message><r xmlns='urn:xmpp:sm:3'/>")
    check_equal(irc.receive().get("id"), "1", "the message")
    answer = romeo.receive()
    if answer.get("h") == "0":
        answer = romeo.receive()
    check_equal((answer.tag, answer.get("h")), ("{urn:xmpp:sm:3}a", "1"), "the acknowledgement")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_acknowledgements(stage):
    """XEP-0198 §3, §4 on the component's own stream: counted from <enable/>, settled as for clients."""
    irc = _irc(stage).attach()
    for early in ("<r xmlns='urn:xmpp:sm:3'/>",
                  "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>"):
        irc.send(early)
        check_equal(irc.receive().tag, f"{SM}failed", "what is early")
    irc.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    answer = irc.receive()
    check_equal((answer.tag, answer.get("id"), answer.get("resume")), (f"{SM}enabled", None, None),
                "resumption is not promised")
    irc.send("<enable xmlns='urn:xmpp:sm:3'/>")
    check_equal(irc.receive().tag, f"{SM}failed", "a second time")
    # The error for a message comes before it is acknowledged; what is kept is on disk then.
    irc.send("<message from='a@irc.localhost' to='nobody@localhost' type='chat' id='1'><body>?</body>"
             f"</message><message from='a@irc.localhost' to='{stage.bare('juliet')}' type='chat' "
             "id='2'><body>later</body></message><r xmlns='urn:xmpp:sm:3'/>")
    check_equal(irc.error(), "service-unavailable", "the answer of nobody")
    while (answer := irc.receive()).get("h") != "2":
        check_equal(answer.tag, f"{SM}a", "an acknowledgement")
    stage.kill()
    stage.start()
    check_equal(stage.client("juliet").online().receive().get("id"), "2", "what was kept")
    irc = _irc(stage, "again").attach()
    irc.send("<enable xmlns='urn:xmpp:sm:3'/>")
    irc.receive()
    irc.send("<a xmlns='urn:xmpp:sm:3' h='7'/>")
    irc.stream_error("undefined-condition")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_what_a_component_does_not_acknowledge(stage):
    """Its senders hear that it is lost, when the stream ends; the server's end waits for an answer."""
    irc = _irc(stage).attach()
    irc.send("<enable xmlns='urn:xmpp:sm:3'/>")
    irc.receive()
    romeo = stage.client("romeo").online()
    for number in (1, 2):
        romeo.send(f"<message to='a@{DOMAIN}' type='chat' id='m{number}'><body>x</body></message>")
        check_equal(irc.receive().get("id"), f"m{number}", "the message")
    check_equal(irc.receive().tag, f"{SM}r", "the server asks")
    irc.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
    romeo.ping()
    irc.close()
    error = romeo.receive()
    check_equal((error.get("id"), _condition(error)), ("m2", ("wait", "remote-server-timeout")),
                "the loss")
    check_equal(romeo.collect(), [], "what was acknowledged is not lost")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_what_users_have_applies(stage):
    """XEP-0191, XEP-0280 and XEP-0313 with a component's messages, as with everybody's."""
    irc = _irc(stage).attach()
    bare = stage.bare("romeo")
    romeo = stage.client("romeo", "orchard").online()
    other = stage.client("romeo", "street", "romeo2").online()
    check_equal(other.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>").get("type"), "result",
                "carbons")
    romeo.collect()
    irc.send(f"<message from='a@{DOMAIN}' to='{romeo.jid}' type='chat' id='c1'><body>x</body>"
             "</message>")
    check_equal(romeo.receive().get("id"), "c1", "the message")
    copy = [e for e in other.collect() if e.find("{urn:xmpp:carbons:2}received") is not None]
    check_equal(len(copy), 1, "carbon copies")
    romeo.send(f"<message to='a@{DOMAIN}' type='chat' id='c2'><body>y</body></message>")
    check_equal(irc.receive().get("id"), "c2", "the answer")
    romeo.iq("set", f"<query xmlns='urn:xmpp:mam:2' queryid='q'><x xmlns='jabber:x:data' "
             "type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
             f"<field var='with'><value>a@{DOMAIN}</value></field></x></query>")
    kept = [e.find(".//{jabber:client}body").text for e in romeo.inbox
            if e.find("{urn:xmpp:mam:2}result") is not None]
    check_equal(kept, ["x", "y"], "what the archive keeps")
    check_equal(romeo.iq("set", "<block xmlns='urn:xmpp:blocking'>"
                         f"<item jid='{DOMAIN}'/></block>").get("type"), "result", "blocking")
    irc.send(f"<message from='a@{DOMAIN}' to='{bare}' type='chat' id='b'><body>x</body></message>")
    check_equal(irc.error(), "service-unavailable", "the answer to a blocked component")
