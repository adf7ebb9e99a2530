"""Streams to other servers: how they are found and made, and what goes back when they are not."""

import hashlib
import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import Remote
from harness.stage import scenario
from harness.xmltree import CLIENT, STANZA_ERROR

CONFIG = "federation = true"
QUICK = "federation = true\ns2s = { waiting_time = '2s', connect_timeout = '2s', auth_timeout = '3s' }"
SIGNED = QUICK.replace("{ ", "{ require_certificate = true, ") + "\ndnssec = true"
STRICT = QUICK.replace("{ ", "{ require_certificate = true, ")
MONTAGUE = "montague.example"
JULIET = f"juliet@{MONTAGUE}"


def _message(to, number, body="Hi"):
    return f"<message to='{to}' type='chat' id='{number}'><body>{body}</body></message>"


def _bounced(client, wanted, number=None, seconds=15):
    """A stanza error with this condition (one of "a or b") comes back."""
    element = client.receive(seconds)
    error = element.find(f"{{{CLIENT}}}error")
    check(element.get("type") == "error" and error is not None, xmltree.show(element))
    names = [xmltree.split(each.tag) for each in error]
    check(any((STANZA_ERROR, name) in names for name in wanted.split(" or ")),
          f"expected {wanted}, got {xmltree.show(element)}")
    if number:
        check_equal(element.get("id"), number, "the id")
    return element


@scenario(config=CONFIG)
def scenario_external(stage):
    """XEP-0178 §3: the server shows its certificate and gets in by EXTERNAL."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send(_message(JULIET, "m1"))
    came = montague.stanza()
    check_equal((came.get("id"), came.get("from"), came.get("to")), ("m1", romeo.jid, JULIET),
                "the message")
    check_equal(len(montague.streams), 1, "streams")
    text = "\n".join(line for line in stage.transcript.show())
    check("mechanism='EXTERNAL'" in text, "EXTERNAL was not used")
    check("db:result" not in text, "dialback was used")


@scenario(config=CONFIG)
def scenario_dialback(stage):
    """XEP-0220: where EXTERNAL is not offered."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    montague.offers_external = False
    romeo.send(_message(JULIET, "m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message")


@scenario(config=CONFIG)
def scenario_direct_tls(stage):
    """XEP-0368: _xmpps-server."""
    romeo = stage.client("romeo").online()
    montague = Remote(stage, MONTAGUE, direct_tls=True)
    romeo.send(_message(JULIET, "m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message")
    check("starttls" not in montague.streams[0].text, "STARTTLS inside TLS")


@scenario(config=QUICK)
def scenario_second_choice(stage):
    """RFC 2782: the record with the better priority is dead, the other one is used."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE, listed=False)
    dead = Remote(stage, "dead.example", listed=False)
    dead.close()
    dns = stage.server.dns
    dns.srv(MONTAGUE, "one.montague.example", dead.port, priority=1)
    dns.srv(MONTAGUE, "two.montague.example", montague.port, priority=2)
    for name in ("one", "two"):
        dns.address(f"{name}.montague.example", "127.0.0.1")
    romeo.send(_message(JULIET, "m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message")


@scenario(config=CONFIG)
def scenario_no_such_domain(stage):
    """RFC 6120 §8.3.3.16: DNS knows no such domain."""
    romeo = stage.client("romeo").online()
    romeo.send(_message("juliet@nobody.example", "m1"))
    came = _bounced(romeo, "remote-server-not-found", "m1")
    check_equal(came.get("from"), "juliet@nobody.example", "who answers")
    romeo.send("<iq type='get' id='q' to='nobody.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    _bounced(romeo, "remote-server-not-found", "q")
    # RFC 6120 §8.3.1: an error is never answered.
    romeo.send("<message to='juliet@nobody.example' type='error' id='e'><error type='cancel'>"
               f"<gone xmlns='{STANZA_ERROR}'/></error></message>"
               "<iq type='result' id='r' to='nobody.example'/>")
    check_equal(romeo.collect(1), [], "what came back")


@scenario(config=CONFIG)
def scenario_service_decidedly_not_there(stage):
    """RFC 6120 §3.2.1: an SRV record with the target "."."""
    romeo = stage.client("romeo").online()
    stage.server.dns.srv(MONTAGUE, ".", 0)
    stage.server.dns.address(MONTAGUE, "127.0.0.1")
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-not-found", "m1")


@scenario(config=QUICK)
def scenario_nobody_there(stage):
    """RFC 6120 §8.3.3.17: the domain's server cannot be reached; the next stanza waits not again."""
    romeo = stage.client("romeo").online()
    Remote(stage, MONTAGUE).close()
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout", "m1")
    began = time.monotonic()
    romeo.send(_message(JULIET, "m2"))
    _bounced(romeo, "remote-server-timeout", "m2")
    check(time.monotonic() - began < 1.5, "a dead server costs each stanza the wait")


@scenario(config=QUICK)
def scenario_accepts_and_never_answers(stage):
    """A server that takes the connection and says nothing: what waits goes back in time."""
    romeo, juliet = stage.client("romeo").online(), stage.client("juliet").online()
    montague = Remote(stage, MONTAGUE)
    montague.is_silent = True
    began = time.monotonic()
    for number in range(20):
        romeo.send(_message(JULIET, f"m{number}"))
    # Others do not wait for it.
    romeo.send(_message(juliet.jid, "local"))
    check_equal(juliet.receive().get("id"), "local", "a local message")
    for number in range(20):
        _bounced(romeo, "remote-server-timeout", f"m{number}")
    check(time.monotonic() - began < 10, "it took too long")
    check(len(montague.streams) < 3, f"{len(montague.streams)} connections")


@scenario(config=QUICK)
def scenario_refused(stage):
    """XEP-0220 §2.1.1: what the peer answers to a key, and what goes back."""
    romeo = stage.client("romeo").online()
    for number, (answer, wanted) in enumerate((
            ("invalid", "internal-server-error or remote-server-timeout"),
            ("not-authorized", "remote-server-timeout"),
            ("item-not-found", "remote-server-timeout or remote-server-not-found"))):
        domain = f"montague{number}.example"
        montague = Remote(stage, domain)
        montague.offers_external = False
        montague.answer = answer
        romeo.send(_message(f"juliet@{domain}", f"m{number}"))
        _bounced(romeo, wanted, f"m{number}")
        montague.nothing(0.1)


@scenario(config=QUICK)
def scenario_no_tls(stage):
    """RFC 7590 §3.4: a server without STARTTLS gets nothing."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    montague.offers_tls = False
    romeo.send(_message(JULIET, "m1", "a secret"))
    _bounced(romeo, "remote-server-timeout or policy-violation", "m1")
    check("secret" not in montague.streams[0].text and "db:result" not in montague.streams[0].text,
          "something was sent in clear")


@scenario(config=STRICT)
def scenario_certificates_are_required(stage):
    """With `require_certificate` stanzas go to nobody but the domain's own server."""
    romeo, authority = stage.client("romeo").online(), stage.server.authority
    for name, certificate in (
            ("wrong", authority.server("wrong", "other.example")),
            ("expired", authority.server("old", "expired.example", expired=True)),
            ("self", authority.self_signed("self", "self.example"))):
        montague = Remote(stage, f"{name}.example", certificate)
        romeo.send(_message(f"juliet@{name}.example", name))
        _bounced(romeo, "remote-server-timeout or policy-violation or not-authorized", name)
        montague.nothing(0.1)
    good = Remote(stage, MONTAGUE)
    romeo.send(_message(JULIET, "m1"))
    check_equal(good.stanza().get("id"), "m1", "a good one")


@scenario(config=CONFIG)
def scenario_unsolicited(stage):
    """XEP-0220 §4.1: answers to what was not asked open nothing."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    montague.offers_external = False
    montague.answer = None
    romeo.send(_message(JULIET, "m1"))
    stream = montague.wait_for_stream()
    deadline = time.monotonic() + 5
    while "<db:result" not in stream.text and time.monotonic() < deadline:
        time.sleep(0.02)
    ours = stage.server.host
    stream.write(f"<db:result from='{MONTAGUE}' to='{stage.server.second_host}' type='valid'/>"
                 f"<db:result from='evil.example' to='{ours}' type='valid'/>"
                 f"<db:result from='{ours}' to='{MONTAGUE}' type='valid'/>"
                 f"<db:verify from='{MONTAGUE}' to='{ours}' id='{stream.id}' type='valid'/>")
    montague.nothing(0.5)
    stream.write(f"<db:result from='{MONTAGUE}' to='{ours}' type='valid'/>")
    check_equal(montague.stanza().get("id"), "m1", "once it is asked for")


@scenario(config=CONFIG)
def scenario_stanzas_on_a_stream_of_ours(stage):
    """RFC 6120 §8.1.2.2: without XEP-0288 nothing comes back on the stream that the server opened."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send(_message(JULIET, "m1"))
    montague.stanza()
    montague.streams[0].write(montague.message(to=romeo.jid, body="Hi"))
    check_equal(romeo.collect(0.5), [], "what came")


@scenario(config=CONFIG)
def scenario_order(stage):
    """RFC 6120 §10.1: order is kept while a queue empties."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send("".join(_message(JULIET, f"m{n}") for n in range(300)))
    for number in range(300):
        check_equal(montague.stanza().get("id"), f"m{number}", "the order")
    check_equal(len(montague.streams), 1, "streams")


@scenario(config=CONFIG)
def scenario_reconnect(stage):
    """A stream that broke is made anew, and order holds across it."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send(_message(JULIET, "m0"))
    check_equal(montague.stanza().get("id"), "m0", "the first")
    for round_ in range(1, 4):
        montague.streams[-1].cut()
        time.sleep(1.2)  # a broken stream is a failure, which waits a second
        romeo.send("".join(_message(JULIET, f"m{round_}-{n}") for n in range(20)))
        for number in range(20):
            check_equal(montague.stanza(10).get("id"), f"m{round_}-{number}", "the order")


@scenario(config=CONFIG)
def scenario_closed_politely(stage):
    """RFC 6120 §4.4: a stream that the peer closes is closed, and the next stanza opens one."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    for round_ in range(3):
        romeo.send(_message(JULIET, f"m{round_}"))
        check_equal(montague.stanza(10).get("id"), f"m{round_}", "the message")
        stream = montague.streams[-1]
        stream.write("</stream:stream>")
        deadline = time.monotonic() + 5
        while not stream.eof and time.monotonic() < deadline:
            time.sleep(0.02)
        check("</stream:stream>" in stream.text, "the stream was not closed in order")


@scenario(config=CONFIG)
def scenario_acknowledged(stage):
    """XEP-0198 between servers: what the peer has not acknowledged is not lost with the stream."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    montague.management = True
    romeo.send(_message(JULIET, "m1"))
    check_equal(montague.stanza().get("id"), "m1", "the message")
    text = "\n".join(line for line in stage.transcript.show())
    check("<enable xmlns='urn:xmpp:sm:3'" in text, "stream management was not asked for")


@scenario(config=CONFIG)
def scenario_big_stanzas(stage):
    """A large stanza goes out whole."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send(_message(JULIET, "big", "x" * 200_000))
    body = montague.stanza().find("{jabber:server}body")
    check_equal(len(body.text), 200_000, "its size")


def _publish(stage, remote, certificate=None):
    """A TLSA record "3 1 1" at the target of `remote`: of its certificate, or another one's."""
    key = stage.server.authority.public_key(certificate or remote.certificate[0])
    stage.server.dns.tlsa(f"xmpp.{remote.domain}", remote.port, 3, 1, 1,
                          hashlib.sha256(key).digest())


@scenario(config=SIGNED)
def scenario_dane(stage):
    """RFC 7673: a certificate that DNSSEC names needs no authority; one that it contradicts is none."""
    romeo, authority = stage.client("romeo").online(), stage.server.authority
    named = Remote(stage, MONTAGUE, authority.self_signed("self", MONTAGUE))
    _publish(stage, named)
    romeo.send(_message(JULIET, "m1"))
    check_equal(named.stanza().get("id"), "m1", "the message")
    contradicted = Remote(stage, "verona.example")
    _publish(stage, contradicted, named.certificate[0])
    romeo.send(_message("juliet@verona.example", "m2"))
    _bounced(romeo, "remote-server-timeout or policy-violation", "m2")
    contradicted.nothing(0.1)
    # Nothing is said of this one: what holds without DANE.
    unnamed = Remote(stage, "padua.example", authority.self_signed("other", "padua.example"))
    romeo.send(_message("juliet@padua.example", "m3"))
    _bounced(romeo, "remote-server-timeout or policy-violation", "m3")
    unnamed.nothing(0.1)
    good = Remote(stage, "mantua.example")
    romeo.send(_message("juliet@mantua.example", "m4"))
    check_equal(good.stanza().get("id"), "m4", "the message")


@scenario(config=QUICK + "\ndnssec = true")
def scenario_dane_contradicts(stage):
    """RFC 6698 §4.1: what DNSSEC contradicts is not connected to, also where dialback would do."""
    romeo, authority = stage.client("romeo").online(), stage.server.authority
    montague = Remote(stage, MONTAGUE)
    _publish(stage, montague, authority.self_signed("other", MONTAGUE)[0])
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout or policy-violation", "m1")
    montague.nothing(0.1)


@scenario(config=SIGNED)
def scenario_forged_dns(stage):
    """RFC 4035 §5: an answer whose signature is wrong is no answer."""
    romeo, signer = stage.client("romeo").online(), stage.server.signer
    montague = Remote(stage, MONTAGUE)
    sign = signer.sign

    def forge(records):
        signature = sign(records)
        return signature[:-1] + bytes([signature[-1] ^ 1]) if "montague" in records[0][0] else signature
    signer.sign = forge
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout or remote-server-not-found", "m1", 30)
    check_equal(montague.streams, [], "connections")


def _two(stage, certificate=None):
    """montague, which DNS names, and another place that has the same certificate."""
    first = Remote(stage, MONTAGUE, certificate)
    second = Remote(stage, MONTAGUE, first.certificate, listed=False, address="127.0.0.2")
    second.secret = first.secret
    return first, second


@scenario(config=CONFIG)
def scenario_redirect_of_who_is_proved(stage):
    """RFC 6120 §4.9.3.19: who has proved to be the domain's server may send us anywhere."""
    romeo, (first, second) = stage.client("romeo").online(), _two(stage)
    first.redirect, first.redirects_in_tls = f"127.0.0.2:{second.port}", True
    romeo.send(_message(JULIET, "m1"))
    check_equal(second.stanza().get("id"), "m1", "the message")
    first.nothing(0.1)


@scenario(config=QUICK)
def scenario_redirect_of_who_is_not(stage):
    """RFC 6120 §4.9.3.19 (b): before TLS anybody may say so, and it leads nowhere."""
    romeo, (first, second) = stage.client("romeo").online(), _two(stage)
    first.redirect = f"127.0.0.2:{second.port}"
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout", "m1")
    second.nothing(0.1)
    check_equal(second.streams, [], "connections to where it pointed")


@scenario(config=QUICK)
def scenario_redirect_of_who_cannot_be(stage):
    """The same inside TLS, with a certificate that proves nothing."""
    own = stage.server.authority.self_signed("self", MONTAGUE)
    romeo, (first, second) = stage.client("romeo").online(), _two(stage, own)
    first.redirect, first.redirects_in_tls = f"127.0.0.2:{second.port}", True
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout", "m1")
    check_equal(second.streams, [], "connections to where it pointed")


@scenario(config=CONFIG)
def scenario_redirect_to_another_port(stage):
    """Before TLS too, to another port of the address that DNS names."""
    romeo, first = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    second = Remote(stage, MONTAGUE, first.certificate, listed=False)
    first.redirect = f"127.0.0.1:{second.port}"
    romeo.send(_message(JULIET, "m1"))
    check_equal(second.stanza().get("id"), "m1", "the message")


@scenario(config=QUICK)
def scenario_redirects_end(stage):
    """RFC 6120 §4.9.3.19: after some redirects in a row it is enough."""
    romeo, first = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    first.redirect = f"127.0.0.1:{first.port}"
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout", "m1")
    check_equal(len(first.streams), 3, "connections")


@scenario(config=QUICK + "\ndnssec = true")
def scenario_redirect_frees_nobody_of_dane(stage):
    """RFC 6120 §4.9.3.19: what the first place had to prove, the next one has to."""
    romeo, authority = stage.client("romeo").online(), stage.server.authority
    first = Remote(stage, MONTAGUE)
    _publish(stage, first)
    second = Remote(stage, MONTAGUE, authority.self_signed("other", MONTAGUE), listed=False)
    first.redirect = f"127.0.0.1:{second.port}"
    romeo.send(_message(JULIET, "m1"))
    _bounced(romeo, "remote-server-timeout or policy-violation", "m1")
    second.nothing(0.1)
