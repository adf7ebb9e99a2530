"""Streams that carry stanzas both ways (XEP-0288), and what becomes of those that break."""

import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import MESSAGE, Remote
from harness.stage import scenario
from harness.xmltree import CLIENT, STREAM

CONFIG = "federation = true"
MONTAGUE = "montague.example"
JULIET = f"juliet@{MONTAGUE}"
SM = "urn:xmpp:sm:3"
BIDI, FEATURE = "urn:xmpp:bidi", "urn:xmpp:features:bidi"


def _message(number):
    return f"<message to='{JULIET}' type='chat' id='{number}'><body>Hi</body></message>"


def _open(remote, external=True):
    """A stream of theirs that carries both directions."""
    stream = remote.connect().secure()
    check(stream.offers(FEATURE, "bidi"), "bidi is not offered")
    stream.write(f"<bidi xmlns='{BIDI}'/>")
    return stream.external() if external else stream.dialback()


def _managed(remote):
    stream = _open(remote)
    stream.write(f"<enable xmlns='{SM}' resume='true'/>")
    return stream, stream.take(f"{{{SM}}}enabled").get("id")


def _takes(stream, *numbers):
    """These messages come on the stream, in order; <r/> is passed over."""
    for number in numbers:
        element = stream.element()
        while element.tag == f"{{{SM}}}r":
            element = stream.element()
        check_equal((element.tag, element.get("id")), (MESSAGE, number), "what came")


def _bounced(romeo, *numbers, seconds=15):
    for number in numbers:
        element = romeo.receive(seconds)
        error = element.find(f"{{{CLIENT}}}error")
        check(error is not None, xmltree.show(element))
        check_equal((element.get("id"), xmltree.split(error[0].tag)[1]),
                    (number, "remote-server-timeout"), "what came back")


@scenario(config=CONFIG)
def scenario_both_ways(stage):
    """§2.2: what they have proved may be sent the other way, and no second stream is made."""
    for external, user in ((True, "romeo"), (False, "juliet")):
        montague = Remote(stage, f"{user}.example")
        romeo = stage.client(user).online()
        stream = _open(montague, external)
        stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
        check_equal(romeo.receive().get("id"), "m1", "the message")
        romeo.send(_message("m2").replace(MONTAGUE, montague.domain))
        _takes(stream, "m2")
        used = [each for each in montague.streams if "<auth" in each.text]
        check_equal(used, [], "streams of ours")


@scenario(config=CONFIG)
def scenario_not_asked_for(stage):
    """§2.2: without <bidi/> nothing goes back on a stream of theirs."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream = montague.connect().secure().external()
    romeo.send(_message("m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message on a stream of ours")
    stream.close()


@scenario(config=CONFIG + "\ns2s = { bidi = false }")
def scenario_off(stage):
    """`bidi = false`: it is neither offered nor taken."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream = montague.connect().secure()
    check(not stream.offers(FEATURE, "bidi"), "bidi is offered")
    stream.write(f"<bidi xmlns='{BIDI}'/>")
    stream.external()
    romeo.send(_message("m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message on a stream of ours")


@scenario(config=CONFIG + "\ndnssec = true")
def scenario_not_with_dnssec(stage):
    """RFC 7673 §3: where DNSSEC may name the certificate of a server, we go to it."""
    stream = Remote(stage, MONTAGUE).connect().secure()
    check(not stream.offers(FEATURE, "bidi"), "bidi is offered")


@scenario(config=CONFIG)
def scenario_resumed(stage):
    """XEP-0198 §5: who opened it resumes it: what they miss comes again, then what waited."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream, lost = _managed(montague)
    romeo.send(_message("m1") + _message("m2") + _message("m3"))
    _takes(stream, "m1", "m2", "m3")
    stream.cut()
    time.sleep(0.3)
    romeo.send(_message("m4"))
    # Another stream of theirs overtakes nothing.
    other = _open(montague)
    stream = _open(montague)
    stream.write(f"<resume xmlns='{SM}' previd='{lost}' h='1'/>")
    check_equal(stream.take(f"{{{SM}}}resumed").get("h"), "0", "the count")
    _takes(stream, "m2", "m3", "m4")
    romeo.send(_message("m5"))
    _takes(stream, "m5")
    check_equal(montague.streams, [], "streams of ours")
    other.close()


@scenario(config=CONFIG)
def scenario_begun_anew(stage):
    """Who does not resume may not have what was sent: its senders hear that; what waited comes."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream, _ = _managed(montague)
    romeo.send(_message("m1") + _message("m2"))
    _takes(stream, "m1", "m2")
    stream.write(f"<a xmlns='{SM}' h='1'/>")
    time.sleep(0.2)
    stream.cut()
    time.sleep(0.3)
    romeo.send(_message("m3"))
    stream, _ = _managed(montague)
    _takes(stream, "m3")
    _bounced(romeo, "m2")
    check_equal(montague.streams, [], "streams of ours")


@scenario(config=CONFIG)
def scenario_nobody_comes(stage):
    """After a while the server goes there itself; who resumes then is told what had come."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream, lost = _managed(montague)
    stream.write(montague.message(to=romeo.jid, body="Hi", id="in"))
    check_equal(romeo.receive().get("id"), "in", "the message")
    romeo.send(_message("m1"))
    _takes(stream, "m1")
    stream.cut()
    time.sleep(0.3)
    romeo.send(_message("m2"))
    check_equal(montague.stanza(20).get("id"), "m2", "what waited")
    _bounced(romeo, "m1")
    stream = _open(montague)
    stream.write(f"<resume xmlns='{SM}' previd='{lost}' h='1'/>")
    failed = stream.take(f"{{{SM}}}failed")
    check_equal(failed.get("h"), "1", "the count")
    romeo.send(_message("m3"))
    check_equal(montague.stanza().get("id"), "m3", "the next one, where the last one went")


@scenario(config=CONFIG)
def scenario_resumed_one_way(stage):
    """A stream that carries one direction cannot go on for one that carried both."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    stream, lost = _managed(montague)
    romeo.send(_message("m1"))
    _takes(stream, "m1")
    stream.cut()
    time.sleep(0.3)
    romeo.send(_message("m2"))
    stream = montague.connect().secure().external()
    stream.write(f"<resume xmlns='{SM}' previd='{lost}' h='0'/>")
    check_equal(stream.take(f"{{{SM}}}failed").get("h"), "0", "the count")
    check_equal(montague.stanza().get("id"), "m2", "what waited, on a stream of ours")
    _bounced(romeo, "m1")


class Both(Remote):
    """A server that offers both, and resumes what was lost."""

    def __init__(self, stage, domain):
        super().__init__(stage, domain)
        self.management = True
        self.resumed = []

    def features(self, stream):
        return super().features(stream) + f"<bidi xmlns='{FEATURE}'/>"

    def _negotiate(self, stream, element, count):
        namespace, name = xmltree.split(element.tag)
        if (namespace, name) == (BIDI, "bidi"):
            return True
        if (namespace, name) == (SM, "enable"):
            stream.write(f"<enabled xmlns='{SM}' id='lost' resume='true'/>")
        elif (namespace, name) == (SM, "resume"):
            self.resumed.append(element.get("h"))
            stream.write(f"<resumed xmlns='{SM}' previd='lost' h='1'/>")
        else:
            return super()._negotiate(stream, element, count)
        return True


@scenario(config=CONFIG)
def scenario_ours_is_resumed(stage):
    """A stream of ours that breaks is resumed also where we miss nothing: they may."""
    romeo, montague = stage.client("romeo").online(), Both(stage, MONTAGUE)
    romeo.send(_message("m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message")
    stream = montague.streams[0]
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m2"))
    check_equal(romeo.receive().get("id"), "m2", "their message")
    time.sleep(0.5)  # m1 is acknowledged
    stream.cut()
    stream = montague.wait_for_stream(2)
    deadline = time.monotonic() + 5
    while not montague.resumed and time.monotonic() < deadline:
        time.sleep(0.02)
    check_equal(montague.resumed, ["1"], "what we have")
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m3"))
    check_equal(romeo.receive().get("id"), "m3", "what they sent again")
    romeo.send(_message("m4"))
    check_equal(montague.stanza().get("id"), "m4", "the next message")
    check_equal(len(montague.streams), 2, "streams")


@scenario(config=CONFIG)
def scenario_somebody_elses(stage):
    """RFC 6120 §8.1.1.2: nothing for others goes to who opened the stream, nor comes from it."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    verona = Remote(stage, "verona.example")
    stream = _open(montague)
    romeo.send(_message("m1").replace(MONTAGUE, verona.domain) + _message("m2"))
    _takes(stream, "m2")
    check_equal(verona.stanza().get("id"), "m1", "verona's message")
    stream.write(f"<db:result from='{stage.server.host}' to='{verona.domain}' type='valid'/>"
                 f"<db:result from='{verona.domain}' to='{stage.server.host}' type='valid'/>")
    stream.write(verona.message(to=romeo.jid, body="Hi"))
    stream.take(f"{{{STREAM}}}error")
    stream.closed()
    check_equal(romeo.collect(0.5), [], "what came")
