"""Limits of what one account, session or address may fill, each told by name."""

import time

from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import BIND, CLIENT

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SM = "urn:xmpp:sm:3"
PROSODY = {"prosody": "has other limits"}


def condition(stanza):
    """The condition of a stanza error."""
    check_equal(stanza.get("type"), "error", "the type")
    error = stanza.find(f"{{{CLIENT}}}error")
    return [child.tag.split("}")[1] for child in error if child.tag.startswith(f"{{{STANZAS}}}")
            and not child.tag.endswith("}text")][0]


def unbound(stage, user, name):
    client = stage.client(user, name)
    client.secure()
    client.authenticate("SCRAM-SHA-1")
    client.open_stream()
    return client


@scenario(config="limits = { nodes = 100 }", differs=PROSODY)
def scenario_nodes(stage):
    """RFC 6120 §13.12: elements and texts are counted, not only bytes."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    romeo.send(f"<message to='{juliet.jid}'>{'<a/>' * 50}</message>")
    juliet.receive()
    romeo.send(f"<message to='{juliet.jid}'>{'<a/>' * 200}</message>")
    romeo.stream_error("policy-violation")


@scenario(config="limits = { sessions_per_account = 2 }", differs=PROSODY)
def scenario_sessions(stage):
    """RFC 6120 §7.6.2.1: one session too many is <resource-constraint/>, and the others stay."""
    first, second = stage.client("romeo", "first").online(), stage.client("romeo", "second").online()
    third = unbound(stage, "romeo", "third")
    answer = third.iq("set", f"<bind xmlns='{BIND}'/>")
    check_equal(condition(answer), "resource-constraint", "the condition")
    second.drop()
    time.sleep(0.2)
    third.bind("third")
    for client in (first, third):
        client.ping()


@scenario(config="limits = { sessions_per_account = 2 }", differs=PROSODY)
def scenario_sessions_that_wait(stage):
    """XEP-0198 §5: a session that waits for its client makes room for one that is there."""
    first, second = stage.client("romeo", "first").online(), stage.client("romeo", "second").online()
    second.send(f"<enable xmlns='{SM}' resume='true'/>")
    second._take_first(lambda e: e.tag == f"{{{SM}}}enabled", "<enabled/>")
    second.drop()
    time.sleep(0.2)
    third = unbound(stage, "romeo", "third")
    third.bind("third")
    for client in (first, third):
        client.ping()


@scenario(config="limits = { directed_presence = 10 }", differs=PROSODY)
def scenario_directed_presence(stage):
    """RFC 6121 §4.6.4: the list of those who got directed presence is bounded."""
    romeo = stage.client("romeo")
    romeo.login()
    for n in range(10):
        romeo.send(f"<presence to='somebody{n}@{stage.server.host}'/>")
    romeo.ping()
    romeo.inbox.clear()
    romeo.send(f"<presence to='more@{stage.server.host}' id='more'/>")
    answer = romeo._take_first(lambda e: e.get("id") == "more", "the error")
    check_equal(condition(answer), "resource-constraint", "the condition")
    romeo.send(f"<presence to='somebody1@{stage.server.host}' type='unavailable'/>")
    romeo.ping()


@scenario(config="modules = { offline = { messages_max = 2 } }", differs=PROSODY)
def scenario_offline_messages(stage):
    """XEP-0160 §2: what a full mailbox cannot take comes back, and says why."""
    romeo = stage.client("romeo")
    romeo.login()
    for n in range(3):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'><body>x</body></message>")
    bounced = romeo.receive()
    check_equal(bounced.get("id"), "m2", "the message that came back")
    check_equal(condition(bounced), "service-unavailable", "the condition")
    check(bounced.find(f".//{{{STANZAS}}}text") is not None, "it says why")


@scenario(config="modules = { offline = { size_max = '20KiB' } }", differs=PROSODY)
def scenario_offline_bytes(stage):
    """The same, counted in bytes."""
    romeo = stage.client("romeo")
    romeo.login()
    for n in range(3):
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{n}'>"
                   f"<body>{'x' * 9000}</body></message>")
    bounced = romeo.receive()
    check_equal(bounced.get("id"), "m2", "the message that came back")
    check_equal(condition(bounced), "service-unavailable", "the condition")


@scenario(config="limits = { rate = '20KiB', rate_burst = '20KiB' }", differs=PROSODY)
def scenario_rate(stage):
    """RFC 6120 §13.12: who sends too fast is read slower, and loses nothing."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    began = time.monotonic()
    for n in range(10):
        romeo.send(f"<message to='{juliet.jid}' id='m{n}'><body>{'x' * 8000}</body></message>")
    for n in range(10):
        check_equal(juliet.receive(20).get("id"), f"m{n}", "a message")
    took = time.monotonic() - began
    check(took > 1.5, f"80 000 bytes at 20 KiB a second came in {took:.2f} s")


@scenario(config="limits = { accepts_per_second = 5 }", differs=PROSODY)
def scenario_accepts(stage):
    """RFC 6120 §13.12: new connections wait their turn."""
    began = time.monotonic()
    crowd = []
    for n in range(15):
        carol = stage.raw(f"carol{n}")
        carol.connect_tcp()
        crowd.append(carol)
    for carol in crowd:
        carol.open_stream()
    took = time.monotonic() - began
    check(took > 1, f"15 connections at 5 a second were served in {took:.2f} s")
