"""Stream management between servers (XEP-0198): what is resumed, sent again, or given back."""

import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import Remote
from harness.stage import scenario
from harness.xmltree import CLIENT, STANZA_ERROR

CONFIG = "federation = true"
MONTAGUE = "montague.example"
JULIET = f"juliet@{MONTAGUE}"
SM = "urn:xmpp:sm:3"


class Resuming(Remote):
    """A server that acknowledges nothing by itself, and says what it is told when somebody resumes."""

    def __init__(self, stage, domain):
        super().__init__(stage, domain)
        self.management = True
        self.acknowledges = False
        self.on_resume = ""

    def _negotiate(self, stream, element, count):
        namespace, name = xmltree.split(element.tag)
        if namespace != SM or (name == "r" and self.acknowledges):
            return super()._negotiate(stream, element, count)
        if name == "enable":
            stream.write(f"<enabled xmlns='{SM}' id='lost' resume='true'/>")
        elif name == "resume":
            check_equal(element.get("previd"), "lost", "the stream")
            stream.write(self.on_resume)
        return True


def _message(number):
    return f"<message to='{JULIET}' type='chat' id='{number}'><body>Hi</body></message>"


def _send(romeo, montague, *numbers):
    for number in numbers:
        romeo.send(_message(number))
        check_equal(montague.stanza().get("id"), number, "the message")


def _again(montague, *numbers):
    for number in numbers:
        check_equal(montague.stanza(10).get("id"), number, "what came then")


@scenario(config=CONFIG)
def scenario_resumed(stage):
    """§5: what the peer does not have is sent again, once and before anything else."""
    romeo, montague = stage.client("romeo").online(), Resuming(stage, MONTAGUE)
    _send(romeo, montague, "m1", "m2", "m3")
    montague.on_resume = f"<resumed xmlns='{SM}' previd='lost' h='1'/>"
    montague.streams[0].cut()
    montague.wait_for_stream(2)
    romeo.send(_message("m4"))
    _again(montague, "m2", "m3", "m4")
    montague.nothing()
    check_equal(len(montague.streams), 2, "streams")


@scenario(config=CONFIG)
def scenario_not_resumed_but_counted(stage):
    """§5: <failed/> with a count tells what the peer has: the rest is sent on the new stream."""
    romeo, montague = stage.client("romeo").online(), Resuming(stage, MONTAGUE)
    _send(romeo, montague, "m1", "m2", "m3")
    montague.on_resume = (f"<failed xmlns='{SM}' h='2'><item-not-found xmlns='{STANZA_ERROR}'/>"
                          "</failed>")
    montague.streams[0].cut()
    montague.wait_for_stream(2)
    romeo.send(_message("m4"))
    _again(montague, "m3", "m4")
    montague.nothing()


@scenario(config=CONFIG)
def scenario_not_resumed(stage):
    """Where nobody knows what the peer has, the senders hear of it, and the stream goes on."""
    romeo, montague = stage.client("romeo").online(), Resuming(stage, MONTAGUE)
    _send(romeo, montague, "m1", "m2")
    montague.on_resume = f"<failed xmlns='{SM}'><item-not-found xmlns='{STANZA_ERROR}'/></failed>"
    montague.streams[0].cut()
    for number in ("m1", "m2"):
        element = romeo.receive(10)
        error = element.find(f"{{{CLIENT}}}error")
        check(error is not None, xmltree.show(element))
        check_equal((element.get("id"), xmltree.split(error[0].tag)[1]),
                    (number, "remote-server-timeout"), "what came back")
    _send(romeo, montague, "m3")


@scenario(config=CONFIG)
def scenario_acknowledged_to_the_sender(stage):
    """A user's message counts for him once the other server has acknowledged it."""
    romeo, montague = stage.client("romeo").online(), Resuming(stage, MONTAGUE)
    romeo.send(f"<enable xmlns='{SM}'/>")
    romeo.receive()
    romeo.send(_message("m1"))
    montague.stanza()
    romeo.send(f"<r xmlns='{SM}'/>")
    check_equal(romeo.receive().get("h"), "0", "the count before")
    montague.acknowledges = True
    montague.streams[0].write(f"<a xmlns='{SM}' h='1'/>")
    check_equal(romeo.receive().get("h"), "1", "the count then")


class Small(Remote):
    """A server that says what it takes (XEP-0478 §2)."""

    def features(self, stream):
        return super().features(stream) + ("<limits xmlns='urn:xmpp:stream-limits:0'>"
                                           "<max-bytes>20000</max-bytes></limits>")


@scenario(config=CONFIG)
def scenario_too_big_for_them(stage):
    """A stanza that would cost the stream goes back to who wrote it."""
    romeo, montague = stage.client("romeo").online(), Small(stage, MONTAGUE)
    big = _message("big").replace("Hi", "x" * 21_000)
    romeo.send(_message("m1") + big + _message("m2"))
    _again(montague, "m1", "m2")
    element = romeo.receive()
    error = element.find(f"{{{CLIENT}}}error")
    check(error is not None, xmltree.show(element)[:200])
    check_equal((element.get("id"), xmltree.split(error[0].tag)[1]), ("big", "policy-violation"),
                "what came back")


def _managed(remote):
    stream = remote.connect().secure().external()
    stream.write(f"<enable xmlns='{SM}' resume='true'/>")
    return stream, stream.take(f"{{{SM}}}enabled").get("id")


@scenario(config=CONFIG)
def scenario_incoming(stage):
    """§5: a stream of theirs is resumed by them, and by nobody else."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream, lost = _managed(montague)
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    check_equal(romeo.receive().get("id"), "m1", "the message")
    stream.cut()
    thief = Remote(stage, "thief.example")
    other = thief.connect().secure().external()
    other.write(f"<resume xmlns='{SM}' previd='{lost}' h='0'/>")
    failed = other.take(f"{{{SM}}}failed")
    check_equal(failed.get("h"), None, "what a stranger is told")
    stream = montague.connect().secure().external()
    stream.write(f"<resume xmlns='{SM}' previd='{lost}' h='0'/>")
    check_equal(stream.take(f"{{{SM}}}resumed").get("h"), "1", "the count")
    stream.write(montague.message(to=romeo.jid, body="Ho", id="m2"))
    check_equal(romeo.receive().get("id"), "m2", "the next one")


@scenario(config=CONFIG + "\ns2s = { streams_per_domain = 2 }")
def scenario_lost_streams_are_few(stage):
    """docs/security.md 21: of the streams that a domain has lost, the last ones may be resumed."""
    montague = Remote(stage, MONTAGUE)
    lost = []
    for _ in range(3):
        stream, number = _managed(montague)
        lost.append(number)
        stream.cut()
        time.sleep(0.2)
    answers = []
    for number in lost:
        stream = montague.connect().secure().external()
        stream.write(f"<resume xmlns='{SM}' previd='{number}' h='0'/>")
        answers.append(xmltree.split(stream.element().tag)[1])
        stream.close()
    check_equal(answers, ["failed", "resumed", "resumed"], "the answers, oldest first")
