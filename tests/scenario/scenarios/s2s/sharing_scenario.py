"""Several domains of another server on one stream of ours (XEP-0220 §2.7.2)."""

import hashlib
import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import Remote
from harness.stage import scenario
from harness.xmltree import CLIENT

CONFIG = "federation = true"
SM = "urn:xmpp:sm:3"
MONTAGUE, VERONA = "montague.example", "verona.example"
MANY = [f"house{number}.example" for number in range(8)]


class Hosting(Remote):
    """One server for several domains, all found at the same place; it may refuse some of them."""

    def __init__(self, stage, *domains, certificate=None):
        domains = domains or (MONTAGUE, VERONA)
        self.refused = {}  # domain -> its answer there; "close": the stream ends; None: silence
        self.errors = True
        super().__init__(stage, domains[0],
                         certificate or stage.server.authority.server("many", *domains))
        for domain in domains[1:]:
            stage.server.dns.srv(domain, f"xmpp.{domains[0]}", self.port)

    def features(self, stream):
        offered = super().features(stream)
        return offered if self.errors else offered.replace("<errors/>", "")

    def _result(self, stream, element):
        # Each domain is accepted on a stream of its own.
        to = element.get("to")
        is_further = f" to='{to}'" not in stream.text.partition("<db:result")[0]
        answer = self.refused.get(to, "valid") if is_further else "valid"
        if answer == "close":
            stream.cut()
        else:
            self.answer = answer
            super()._result(stream, element)

    def asked(self, domain, at=0):
        """How often this stream was asked for that domain."""
        return sum(f"to='{domain}'" in part.partition(">")[0]
                   for part in self.streams[at].text.split("<db:result ")[1:])


class Resuming(Hosting):
    """It can be resumed, and has the first stanza of what was lost."""

    def _negotiate(self, stream, element, count):
        namespace, name = xmltree.split(element.tag)
        if (namespace, name) == (SM, "enable"):
            stream.write(f"<enabled xmlns='{SM}' id='lost' resume='true'/>")
        elif (namespace, name) == (SM, "resume"):
            stream.write(f"<resumed xmlns='{SM}' previd='lost' h='1'/>")
        elif (namespace, name) != (SM, "r"):  # nothing is acknowledged
            return super()._negotiate(stream, element, count)
        return True


def _message(domain, number):
    return f"<message to='juliet@{domain}' type='chat' id='{number}'><body>Hi</body></message>"


def _send(romeo, remote, domain, number, seconds=None):
    romeo.send(_message(domain, number))
    element = remote.stanza(seconds)
    check_equal((element.get("id"), element.get("to")), (number, f"juliet@{domain}"), "the message")


def _bounced(romeo, number, seconds=15):
    element = romeo.receive(seconds)
    check(element.get("type") == "error" and element.find(f"{{{CLIENT}}}error") is not None,
          xmltree.show(element))
    check_equal(element.get("id"), number, "what came back")


@scenario(config=CONFIG)
def scenario_shared(stage):
    """Domains at the same place share a stream, however it was proved, and wherever they are home."""
    for number, external in enumerate((True, False)):
        domains = [f"{number}.{domain}" for domain in MANY]
        romeo, remote = stage.client("romeo", name=f"r{number}").online(), Hosting(stage, *domains)
        remote.offers_external = external
        for domain in domains:
            _send(romeo, remote, domain, f"m-{domain}")
        for domain in domains:
            _send(romeo, remote, domain, f"n-{domain}")
        check_equal(len(remote.streams), 1, "streams")
        for domain in domains[1:]:
            check_equal(remote.asked(domain), 1, f"{domain} is asked for")


@scenario(config=CONFIG)
def scenario_seen(stage):
    """balconyctl s2s show has all pairs of the stream."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    _send(romeo, remote, MONTAGUE, "m1")
    _send(romeo, remote, VERONA, "m2")
    shown = stage.server.control("s2s", "show", VERONA)
    host = stage.server.host
    check(f"{host} -> {VERONA}: dialback" in shown and f"{host} -> {MONTAGUE}: external" in shown,
          shown)


@scenario(config=CONFIG)
def scenario_no_errors(stage):
    """§2.7.2: not where the server does not say that it knows dialback errors."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    remote.errors = False
    _send(romeo, remote, MONTAGUE, "m1")
    _send(romeo, remote, VERONA, "m2")
    check_equal((len(remote.streams), remote.asked(VERONA)), (2, 0), "streams, and questions")


@scenario(config=CONFIG)
def scenario_another_place(stage):
    """§2.7.2: not where DNS names another port."""
    romeo, remote, other = stage.client("romeo").online(), Remote(stage, MONTAGUE), Remote(stage, VERONA)
    _send(romeo, remote, MONTAGUE, "m1")
    _send(romeo, other, VERONA, "m2")
    check("verona" not in remote.streams[0].text, "verona was asked for at montague's")


@scenario(config=CONFIG + "\ns2s = { domains_per_stream = 2 }")
def scenario_limit(stage):
    """`domains_per_stream`: the third domain has another stream."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage, *MANY[:4])
    for domain in MANY[:4]:
        _send(romeo, remote, domain, f"m-{domain}")
    check_equal(len(remote.streams), 2, "streams")


@scenario(config=CONFIG + "\ns2s = { domains_per_stream = 1 }")
def scenario_off(stage):
    """`domains_per_stream = 1`: each domain has its own."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    _send(romeo, remote, MONTAGUE, "m1")
    _send(romeo, remote, VERONA, "m2")
    check_equal((len(remote.streams), remote.asked(VERONA)), (2, 0), "streams, and questions")


@scenario(config=CONFIG + "\ns2s = { auth_timeout = '2s' }")
def scenario_refused(stage):
    """A server that refuses, closes or says nothing gets another stream, and is not asked again."""
    for number, (answer, streams) in enumerate(
            (("not-allowed", 3), ("invalid", 3), ("close", 3), (None, 3))):
        domains = [f"{name}{number}.example" for name in ("montague", "verona", "padua")]
        romeo, remote = stage.client("romeo", name=f"r{number}").online(), Hosting(stage, *domains)
        remote.refused = {domain: answer for domain in domains[1:]}
        for domain in domains:
            _send(romeo, remote, domain, f"m-{domain}", 10)
        check_equal(len(remote.streams), streams, f"streams with {answer}")
        check_equal((remote.asked(domains[1]), remote.asked(domains[2])), (1, 0),
                    f"questions with {answer}")


@scenario(config=CONFIG)
def scenario_refused_for_one(stage):
    """§2.5: what is said of one domain counts for that one."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage, *MANY[:3])
    remote.refused = {MANY[1]: "item-not-found"}
    for domain in MANY[:3]:
        _send(romeo, remote, domain, f"m-{domain}")
    questions = [sum(remote.asked(domain, at) for at in range(2)) for domain in MANY[1:3]]
    check_equal((len(remote.streams), questions), (2, [1, 1]), "streams, and questions")


@scenario(config=CONFIG + "\ns2s = { require_certificate = true }")
def scenario_certificate(stage):
    """What is asked of a domain's own stream is asked of the one that it shares."""
    authority = stage.server.authority
    romeo = stage.client("romeo").online()
    _good = Hosting(stage)
    _send(romeo, _good, MONTAGUE, "m1")
    _send(romeo, _good, VERONA, "m2")
    check_equal(len(_good.streams), 1, "streams")
    one = Hosting(stage, "padua.example", "mantua.example",
                  certificate=authority.server("padua", "padua.example"))
    _send(romeo, one, "padua.example", "m3")
    romeo.send(_message("mantua.example", "m4"))
    _bounced(romeo, "m4")
    one.nothing()
    check_equal(one.asked("mantua.example"), 0, "questions")


@scenario(config=CONFIG)
def scenario_pinned(stage):
    """A domain whose certificate is pinned shares no stream with another certificate."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    pins = {"certificate": "pinned", "pins": ["ab" * 32]}
    stage.server.apply({**stage.server.settings, "s2s": {"domain": {VERONA: pins}}})
    stage.server.control("reload")
    _send(romeo, remote, MONTAGUE, "m1")
    romeo.send(_message(VERONA, "m2"))
    _bounced(romeo, "m2")
    remote.nothing()
    check_equal(remote.asked(VERONA), 0, "questions")


@scenario(config=CONFIG)
def scenario_denied_later(stage):
    """A reload that denies a domain ends the stream that it shares."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    _send(romeo, remote, MONTAGUE, "m1")
    _send(romeo, remote, VERONA, "m2")
    stage.server.apply({**stage.server.settings, "s2s": {"domain": {VERONA: {"policy": "deny"}}}})
    stage.server.control("reload")
    deadline = time.monotonic() + 5
    while "policy-violation" not in remote.streams[0].text and time.monotonic() < deadline:
        time.sleep(0.02)
    check("policy-violation" in remote.streams[0].text, "the stream goes on")
    romeo.send(_message(VERONA, "m3"))
    _bounced(romeo, "m3")
    _send(romeo, remote, MONTAGUE, "m4")


@scenario(config=CONFIG + "\ndnssec = true")
def scenario_dane(stage):
    """RFC 7673 §3: what DNSSEC says of the certificate of that domain counts on a shared stream."""
    authority = stage.server.authority
    romeo, remote = stage.client("romeo").online(), Hosting(stage)
    target = "xmpp.other.verona.example"
    stage.server.dns.forget(f"_xmpp-server._tcp.{VERONA}")
    stage.server.dns.srv(VERONA, target, remote.port)
    stage.server.dns.address(target, "127.0.0.1")
    key = authority.public_key(authority.self_signed("else", VERONA)[0])
    stage.server.dns.tlsa(target, remote.port, 3, 1, 1, hashlib.sha256(key).digest())
    _send(romeo, remote, MONTAGUE, "m1")
    romeo.send(_message(VERONA, "m2"))
    _bounced(romeo, "m2")
    remote.nothing()
    check_equal(remote.asked(VERONA), 0, "questions")


@scenario(config=CONFIG)
def scenario_order(stage):
    """RFC 6120 §10.1: order holds for each domain while its stanzas move to another stream."""
    romeo, remote = stage.client("romeo").online(), Hosting(stage, *MANY)
    came = {domain: [] for domain in MANY}

    def take(id_, count=1):
        """Takes what comes until `count` have this id."""
        while count > 0:
            element = remote.stanza(20)
            came[element.get("to").partition("@")[2]].append(element.get("id"))
            count -= element.get("id") == id_

    for domain in MANY:
        _send(romeo, remote, domain, f"m-{domain}")
    for round_ in range(3):
        romeo.send("".join(_message(domain, f"{round_} {number}")
                           for number in range(50) for domain in MANY))
        if round_ == 0:
            remote.streams[0].write("</stream:stream>")
        elif round_ == 1:
            take("1 0")  # the stream that has it is open: one that is being opened would fail
            [each for each in remote.streams if "<message " in each.text][-1].cut()
        time.sleep(0.5)
    romeo.send("".join(_message(domain, "last") for domain in MANY))
    take("last", len(MANY))
    for domain, seen in came.items():
        numbers = [tuple(map(int, number.split())) for number in seen[:-1]]
        check_equal(numbers, sorted(set(numbers)), f"the order at {domain}")
        # A stream that closes takes nothing with it that was not written.
        check(len(numbers) > 50, f"{len(numbers)} messages at {domain}")


@scenario(config=CONFIG)
def scenario_resumed(stage):
    """XEP-0198 §5: a shared stream is resumed with all that it carried, and nothing overtakes."""
    romeo, remote = stage.client("romeo").online(), Resuming(stage, *MANY)
    remote.management = True
    for domain in MANY:
        _send(romeo, remote, domain, f"m-{domain}")
    check_equal(len(remote.streams), 1, "streams")
    remote.streams[0].cut()
    romeo.send("".join(_message(domain, f"n-{domain}") for domain in MANY))
    came = [remote.stanza(10) for _ in range(2 * len(MANY) - 1)]
    for domain in MANY:
        seen = [element.get("id") for element in came if element.get("to") == f"juliet@{domain}"]
        wanted = [f"m-{domain}", f"n-{domain}"]
        check_equal(seen, wanted[1:] if domain == MANY[0] else wanted, f"what came to {domain}")
    remote.nothing()
    check_equal(len(remote.streams), 2, "streams")
    again = remote.streams[1].text.partition("<resume ")[0]
    check_equal([f"to='{domain}'" in again for domain in MANY], [True] * len(MANY),
                "proved before it is resumed")
