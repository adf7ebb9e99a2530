"""docs/decisions/0014: what a client does not acknowledge (XEP-0198) and no archive has is kept for
it, and its sender does not wait."""

import time

from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

SM = "urn:xmpp:sm:3"
DELAY = "urn:xmpp:delay"


def no_archive(stage, name):
    client = stage.client(name, "prefs")
    client.login()
    client.iq("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>")
    client.disconnect()


def online(stage, name, resource=None, resume="false"):
    """A client with stream management that acknowledges nothing by itself."""
    client = stage.client(name, resource)
    client.ignored.append(lambda e: e.tag == f"{{{SM}}}r")
    client.login()
    client.send(f"<enable xmlns='{SM}' resume='{resume}'/>")
    client.enabled = client._take_first(lambda e: e.tag == f"{{{SM}}}enabled", "<enabled/>")
    client.send("<presence/>")
    client.own_presence()
    return client


def message(to, identity, payload="<body>x</body>"):
    return f"<message to='{to}' type='chat' id='{identity}'>{payload}</message>"


def settled(client, count, seconds):
    """How long it took until the server told `count`."""
    began = time.monotonic()
    client.send(f"<r xmlns='{SM}'/>")
    while True:
        check(time.monotonic() - began < seconds, f"{count} stanzas are counted within {seconds} s")
        element = client._take_first(lambda e: e.tag == f"{{{SM}}}a", "<a/>")
        if int(element.get("h")) == count:
            return time.monotonic() - began


def messages(client, count):
    """The next messages: their ids, and how many delays each has."""
    got = [client._take_first(lambda e: e.tag == f"{{{CLIENT}}}message", "a message")
           for _ in range(count)]
    return [e.get("id") for e in got], [len(e.findall(f"{{{DELAY}}}delay")) for e in got]


def nothing_more(client):
    more = [e.get("id") for e in client.collect(0.4) if e.tag == f"{{{CLIENT}}}message"]
    check_equal(more, [], "what came besides")


@scenario(fresh=True, differs={"prosody": "acknowledges what nobody has yet"})
def scenario_kill(stage):
    """The sender's count does not wait for a recipient that is silent, and nothing is lost."""
    no_archive(stage, "juliet")
    romeo, juliet = online(stage, "romeo"), online(stage, "juliet")
    sent = [f"m{n}" for n in range(12)]
    for identity in sent:
        romeo.send(message(stage.bare("juliet"), identity))
    romeo.send(message(juliet.jid, "state", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"))
    settled(romeo, 14, 1.5)
    check_equal(messages(juliet, 13)[0], sent + ["state"], "what she gets at once")
    stage.kill()
    stage.start()
    again = online(stage, "juliet", "again")
    check_equal(messages(again, 12), (sent, [1] * 12), "what she had not acknowledged")
    again.send(f"<a xmlns='{SM}' h='13'/>")
    again.ping()
    time.sleep(0.2)
    stage.kill()
    stage.start()
    nothing_more(online(stage, "juliet", "later"))


@scenario(fresh=True, differs={"prosody": "acknowledges what nobody has yet"})
def scenario_late_acknowledgement(stage):
    """Who acknowledges after all does not get it again, whatever happens."""
    no_archive(stage, "juliet")
    romeo, juliet = online(stage, "romeo"), online(stage, "juliet")
    for n in range(3):
        romeo.send(message(stage.bare("juliet"), f"m{n}"))
    settled(romeo, 4, 1.5)
    juliet.send(f"<a xmlns='{SM}' h='3'/>")  # her presence, m0, m1
    juliet.ping()
    check_equal(messages(juliet, 3)[0], ["m0", "m1", "m2"], "the messages")
    juliet.drop()
    time.sleep(0.2)
    later = online(stage, "juliet", "later")
    check_equal(messages(later, 1), (["m2"], [1]), "what she had not acknowledged")
    nothing_more(later)
    later.send(f"<a xmlns='{SM}' h='2'/>")
    later.ping()
    time.sleep(0.2)
    stage.kill()
    stage.start()
    nothing_more(online(stage, "juliet", "last"))


@scenario(differs={"prosody": "acknowledges what nobody has yet"})
def scenario_two_sessions(stage):
    """Two sessions that both have a message: it is stored once."""
    no_archive(stage, "juliet")
    romeo = online(stage, "romeo")
    one, two = online(stage, "juliet", "one"), online(stage, "juliet", "two")
    one.collect()
    two.collect()
    for n in range(3):
        romeo.send(message(stage.bare("juliet"), f"m{n}"))
    settled(romeo, 4, 1.5)
    for client in (one, two):
        check_equal(messages(client, 3)[0], ["m0", "m1", "m2"], "the messages")
    one.send("<presence type='unavailable'/>")
    two.send("<presence type='unavailable'/>")
    one.ping()
    two.ping()
    one.drop()
    two.drop()
    time.sleep(0.3)
    later = online(stage, "juliet", "later")
    check_equal(messages(later, 3), (["m0", "m1", "m2"], [1, 1, 1]), "the messages, once")
    nothing_more(later)


@scenario(differs={"prosody": "acknowledges what nobody has yet"})
def scenario_connection_lost(stage):
    """A session that waits to be resumed holds no sender up, and gets what it missed once."""
    no_archive(stage, "juliet")
    romeo, juliet = online(stage, "romeo"), online(stage, "juliet", "balcony", resume="true")
    juliet.drop()
    time.sleep(0.2)
    sent = [f"m{n}" for n in range(5)]
    for identity in sent:
        romeo.send(message(stage.bare("juliet"), identity))
    settled(romeo, 6, 1.5)
    nothing_more(online(stage, "juliet", "other"))
    again, _ = resume(stage, "juliet", juliet, 1)
    check_equal(messages(again, 5)[0], sent, "what was missed")


@scenario(fresh=True, differs={"prosody": "acknowledges what nobody has yet"})
def scenario_restart(stage):
    """A stop leaves nothing unsettled: who comes back sends nothing again, and nothing comes twice."""
    no_archive(stage, "juliet")
    romeo, juliet = online(stage, "romeo", resume="true"), online(stage, "juliet", resume="true")
    sent = [f"m{n}" for n in range(4)]
    for identity in sent:
        romeo.send(message(juliet.jid, identity))
    check_equal(messages(juliet, 4)[0], sent, "the messages")
    stage.restart()
    again, resumed = resume(stage, "romeo", romeo, 1)
    check_equal(resumed.get("h"), "5", "what was counted over the stop")
    _, resumed = resume(stage, "juliet", juliet, 3)
    nothing_more(online(stage, "juliet", "other"))
    stage.kill()
    stage.start()
    later = online(stage, "juliet", "later")
    check_equal(messages(later, 2)[0], sent[2:], "what she had not acknowledged")
    nothing_more(later)


def resume(stage, name, lost, h):
    client = stage.client(name, "again")
    client.secure()
    client.authenticate("SCRAM-SHA-1")
    client.open_stream()
    client.send(f"<resume xmlns='{SM}' previd='{lost.enabled.get('id')}' h='{h}'/>")
    client.ignored.append(lambda e: e.tag == f"{{{SM}}}r")
    client.jid = None
    return client, client._take_first(lambda e: e.tag == f"{{{SM}}}resumed", "<resumed/>")
