"""XEP-0198: acknowledgements, and sessions that go on in another stream."""

import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

SM = "urn:xmpp:sm:3"
DELAY = "urn:xmpp:delay"


def sm(name, **attributes):
    written = "".join(f" {key}='{value}'" for key, value in attributes.items())
    return f"<{name} xmlns='{SM}'{written}/>"


def take(client, name):
    """The next element of stream management; stanzas before it stay in the inbox."""
    return client._take_first(lambda e: e.tag == f"{{{SM}}}{name}", f"<{name}/>")


def enable(client, resume="true", **more):
    client.send(sm("enable", resume=resume, **more))
    return take(client, "enabled")


def asked(client):
    """What the server says it has, now."""
    client.send(sm("r"))
    return int(take(client, "a").get("h"))


def answers(client):
    """<r/> of the server is not what these scenarios look at."""
    client.ignored.append(lambda e: e.tag == f"{{{SM}}}r")
    return client


def message(stage, to, identity, body="x"):
    return f"<message to='{to}' type='chat' id='{identity}'><body>{body}</body></message>"


def resume(stage, user, previd, h, name="again"):
    """A new stream that asks to go on; the client and the server's answer."""
    client = answers(stage.client(user, name))
    client.secure()
    client.authenticate("SCRAM-SHA-1")
    client.open_stream()
    client.send(sm("resume", previd=previd, h=h))
    return client, client.receive()


def resumed(stage, user, previd, h, name="again"):
    client, answer = resume(stage, user, previd, h, name)
    check_equal(answer.tag, f"{{{SM}}}resumed", "the answer")
    check_equal(answer.get("previd"), previd, "previd")
    client.jid = None
    return client, int(answer.get("h"))


def condition(failed):
    check_equal(failed.tag, f"{{{SM}}}failed", "the answer")
    return [xmltree.split(child.tag)[1] for child in failed]


def online(stage, user, **options):
    client = answers(stage.client(user, **options))
    client.login()
    return client


@scenario()
def scenario_offered_and_counted(stage):
    """§3, §4: offered after authentication; every stanza counts from <enabled/> on."""
    romeo = online(stage, "romeo")
    check(romeo.offers(SM, "sm"), "sm is among the features")
    romeo.ping()
    enabled = enable(romeo)
    check(enabled.get("id") and enabled.get("resume") == "true", "resumption is offered")
    check_equal(asked(romeo), 0, "h at first")
    romeo.ping()
    romeo.send("<presence/>")
    romeo.send(message(stage, stage.bare("juliet"), "m1"))
    check_equal(asked(romeo), 3, "h after three stanzas")


@scenario()
def scenario_out_of_place(stage):
    """§3: enabling twice, and acknowledging before it, are refused; the stream goes on."""
    romeo = online(stage, "romeo")
    for text in (sm("r"), sm("a", h="1")):
        romeo.send(text)
        check_equal(condition(romeo.receive()), ["unexpected-request"], "the condition")
    enable(romeo)
    romeo.send(sm("enable"))
    check_equal(condition(romeo.receive()), ["unexpected-request"], "the condition")
    romeo.ping()


@scenario()
def scenario_without_resumption(stage):
    """§3: who does not ask for resumption gets no id."""
    romeo = online(stage, "romeo")
    romeo.send(sm("enable"))
    check_equal(take(romeo, "enabled").get("id"), None, "the id")
    romeo.ping()
    check_equal(asked(romeo), 1, "h")


@scenario()
def scenario_the_server_asks(stage):
    """§4: the server asks for acknowledgements, soon after it sent something."""
    juliet = stage.client("juliet")
    juliet.login()
    enable(juliet)
    juliet.ping()
    take(juliet, "r")


@scenario()
def scenario_too_high(stage):
    """§4: acknowledging what was never sent ends the stream."""
    romeo = online(stage, "romeo")
    enable(romeo)
    romeo.send(sm("a", h="5"))
    error = romeo.receive()
    check(error.find(f"{{{SM}}}handled-count-too-high") is not None, "the condition is named")


@scenario()
def scenario_resume(stage):
    """§5: after a cut, what was not acknowledged comes again, in order, and nothing else."""
    romeo, juliet = stage.client("romeo"), online(stage, "juliet")
    romeo.login()
    identity = enable(juliet).get("id")
    juliet.send("<presence/>")
    juliet.own_presence()  # the first stanza after <enabled/>
    jid = juliet.jid
    for n in range(3):
        romeo.send(message(stage, jid, f"m{n}"))
    check_equal(juliet.receive().get("id"), "m0", "the first message")
    juliet.close()
    romeo.send(message(stage, jid, "m3"))
    romeo.ping()
    time.sleep(0.3)
    again, h = resumed(stage, "juliet", identity, 2)
    check_equal(h, 1, "the server has the presence")
    for n in range(1, 4):
        check_equal(again.receive().get("id"), f"m{n}", "what was missed")
    again.send(sm("a", h="5"))
    check_equal(asked(again), 1, "the count goes on")
    romeo.send(message(stage, jid, "m4"))
    check_equal(again.receive().get("id"), "m4", "what came afterwards")
    again.send(message(stage, stage.bare("romeo"), "back"))
    check_equal(asked(again), 2, "the count goes on")


@scenario(config="[modules.offline]\nmessages_max = 0",
          differs={"prosody": "acknowledges what the recipient does not have yet"})
def scenario_resume_with_messages_that_are_not_settled(stage):
    """§5: what is in hand and not acknowledged is sent again, and delivered once."""
    romeo, juliet = online(stage, "romeo"), online(stage, "juliet")
    # Nobody but Juliet's client can answer for her messages: there is no room for them.
    juliet.iq("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>")
    enable(juliet)
    identity = enable(romeo).get("id")
    texts = [message(stage, juliet.jid, f"m{n}") for n in range(4)]
    for text in texts[:3]:
        romeo.send(text)
    for n in range(3):
        check_equal(juliet.receive().get("id"), f"m{n}", "a message")
    romeo.close()
    romeo, h = resumed(stage, "romeo", identity, 0)
    check_equal(h, 0, "h, as nobody has acknowledged anything")
    romeo.send("".join(texts))
    check_equal(asked(romeo), 0, "h, still")
    check_equal(juliet.receive().get("id"), "m3", "the first that is new")
    juliet.send(sm("a", h="4"))
    juliet.ping()
    deadline = time.monotonic() + 5
    while asked(romeo) < 4:
        check(time.monotonic() < deadline, "everything is settled in time")
    check_equal([e.get("id") for e in juliet.collect() if e.tag == f"{{{CLIENT}}}message"], [],
                "what came twice")


@scenario()
def scenario_resume_a_stream_that_lives(stage):
    """§5: the old stream, not known to be dead yet, ends with <conflict/>."""
    juliet = online(stage, "juliet")
    identity = enable(juliet).get("id")
    juliet.ping()
    again, h = resumed(stage, "juliet", identity, 1)
    check_equal(h, 1, "h")
    juliet.stream_error("conflict")
    again.ping()


@scenario()
def scenario_presence_stays(stage):
    """§5: nobody hears of a connection that was lost and came back."""
    stage.befriend("romeo", "juliet")
    romeo, juliet = stage.client("romeo").online(), online(stage, "juliet")
    juliet.send("<presence/>")
    juliet.own_presence()
    romeo.collect()
    romeo.inbox.clear()
    identity = enable(juliet).get("id")
    juliet.close()
    time.sleep(0.3)
    again, _ = resumed(stage, "juliet", identity, 0)
    again.ping()
    check_equal([xmltree.show(e) for e in romeo.collect() or [] if "presence" in e.tag], [],
                "presence that Romeo got")


@scenario()
def scenario_somebody_elses(stage):
    """another account cannot resume the session, and its owner does not notice."""
    juliet = online(stage, "juliet")
    identity = enable(juliet).get("id")
    thief, answer = resume(stage, "romeo", identity, 0)
    check_equal(condition(answer), ["item-not-found"], "the condition")
    thief.bind("thief")
    juliet.ping()
    juliet.close()
    time.sleep(0.2)
    _, answer = resume(stage, "romeo", identity, 0, "thief2")
    check_equal(condition(answer), ["item-not-found"], "the condition")
    again, _ = resumed(stage, "juliet", identity, 1)
    again.ping()


@scenario()
def scenario_unknown(stage):
    """§5: what is not known is <item-not-found/>, and the client may bind."""
    for previd in ("nobody", "x" * 2000):
        client, answer = resume(stage, "romeo", previd, 0, f"c{len(previd)}")
        check_equal(condition(answer), ["item-not-found"], "the condition")
        client.bind("again")
        client.ping()


@scenario()
def scenario_resume_with_a_wrong_count(stage):
    """§5: a client that claims more than it was sent does not get the session, nor destroy it."""
    juliet = online(stage, "juliet")
    identity = enable(juliet).get("id")
    juliet.ping()
    juliet.close()
    _, answer = resume(stage, "juliet", identity, 7, "liar")
    check_equal(answer.tag, f"{{{SM}}}failed", "the answer")
    again, _ = resumed(stage, "juliet", identity, 1, "honest")
    again.ping()


@scenario(config="[stream_management]\nresume_timeout = \"1s\"")
def scenario_expires(stage):
    """§5: after the time is over contacts are told, and what was not acknowledged is kept."""
    stage.befriend("romeo", "juliet")
    romeo, juliet = stage.client("romeo").online(), online(stage, "juliet")
    enabled = enable(juliet)
    check_equal(enabled.get("max"), "1", "max")
    juliet.send("<presence/>")
    juliet.own_presence()
    gone = juliet.jid
    juliet.close()
    romeo.send(message(stage, stage.bare("juliet"), "m1"))
    wanted = lambda e: e.get("type") == "unavailable" and e.get("from") == gone
    romeo._take_first(wanted, "unavailable presence")
    _, answer = resume(stage, "juliet", enabled.get("id"), 1)
    check_equal(condition(answer), ["item-not-found"], "the condition")
    later = stage.client("juliet", "later").online()
    got = later._take_first(lambda e: e.tag == f"{{{CLIENT}}}message", "the message")
    check_equal(got.get("id"), "m1", "the message")
    stamps = got.findall(f"{{{DELAY}}}delay")
    check_equal(len(stamps), 1, "the number of delays")


@scenario()
def scenario_request_to_a_session_that_goes(stage):
    """§5: a request that its recipient never acknowledged is answered with an error."""
    stage.befriend("romeo", "juliet")
    romeo, juliet = stage.client("romeo").online(), online(stage, "juliet")
    juliet.send("<presence/>")
    juliet.own_presence()
    enable(juliet, resume="false")
    identity = romeo.iq("get", "<query xmlns='jabber:iq:version'/>", juliet.jid, fetch=False)
    juliet.receive()
    juliet.close()
    answer = romeo.answer(identity)
    check_equal(answer.get("type"), "error", "the type")


@scenario(fresh=True)
def scenario_restart(stage):
    """§5: a session goes on over a stop and start of the server, with what waited."""
    stage.befriend("romeo", "juliet")
    romeo, juliet = online(stage, "romeo"), online(stage, "juliet")
    ids = {}
    for client in (romeo, juliet):
        client.send("<presence/>")
    for client in (romeo, juliet):
        client.collect()
        ids[client] = enable(client).get("id")
    jid = juliet.jid
    juliet.inbox.clear()
    juliet.collect()
    got = 1 + len([e for e in juliet.inbox if e.tag.startswith(f"{{{CLIENT}}}")])  # 1: the pong
    juliet.inbox.clear()
    for n in range(3):
        romeo.send(message(stage, jid, f"m{n}"))
        check_equal(juliet.receive().get("id"), f"m{n}", "a message")
    stage.restart()
    again, _ = resumed(stage, "juliet", ids[juliet], got + 1)
    check_equal([again.receive().get("id") for _ in range(2)], ["m1", "m2"], "what was missed")
    romeo_again, _ = resumed(stage, "romeo", ids[romeo], 0, "romeo-again")
    romeo_again.send(message(stage, jid, "m9"))
    check_equal(again._take_first(lambda e: e.get("id") == "m9", "m9").get("id"), "m9",
                "a message after the restart")
    probe = romeo_again.iq("get", "<query xmlns='jabber:iq:last'/>", stage.bare("juliet"))
    check_equal(probe.get("type"), "result", "the subscription holds")


@scenario(fresh=True)
def scenario_count_after_a_crash(stage):
    """§5: after a crash the client hears how much of what it sent was dealt with."""
    romeo = online(stage, "romeo")
    identity = enable(romeo).get("id")
    for n in range(5):
        romeo.send(message(stage, stage.bare("juliet"), f"m{n}"))
    deadline = time.monotonic() + 5
    while asked(romeo) < 5:
        check(time.monotonic() < deadline, "everything is settled in time")
    time.sleep(0.2)
    stage.kill()
    stage.start()
    client, answer = resume(stage, "romeo", identity, 0)
    check_equal(condition(answer), ["item-not-found"], "the condition")
    check_equal(answer.get("h"), "5", "h")
    client.bind("again")
    juliet = stage.client("juliet").online()
    check_equal([juliet.receive().get("id") for _ in range(5)], [f"m{n}" for n in range(5)],
                "the messages")


@scenario(config="[stream_management]\nwaiting_stanzas = 10")
def scenario_acknowledges_nothing(stage):
    """the queue is bounded: who acknowledges nothing loses the session, not the messages."""
    romeo, juliet = stage.client("romeo"), online(stage, "juliet")
    romeo.login()
    juliet.send("<presence/>")
    juliet.own_presence()
    enable(juliet)
    for n in range(12):
        romeo.send(message(stage, juliet.jid, f"m{n}"))
    romeo.ping()
    for n in range(11):
        check_equal(juliet.receive().get("id"), f"m{n}", "a message")
    juliet.stream_error("policy-violation")
    later = stage.client("juliet", "later").online()
    got = [later.receive().get("id") for _ in range(11)]
    check_equal(got, [f"m{n}" for n in range(11)], "what was not acknowledged")


@scenario()
def scenario_large_messages_come_back(stage):
    """§5: what was not acknowledged is kept whatever its size."""
    romeo, juliet = stage.client("romeo"), online(stage, "juliet")
    romeo.login()
    juliet.send("<presence/>")
    juliet.own_presence()
    enable(juliet, resume="false")
    romeo.send(message(stage, juliet.jid, "large", "x" * 100_000))
    check_equal(juliet.receive(10).get("id"), "large", "the message")
    juliet.close()
    later = stage.client("juliet", "later").online()
    got = later._take_first(lambda e: e.tag == f"{{{CLIENT}}}message", "the message again")
    check_equal(got.get("id"), "large", "the message")
