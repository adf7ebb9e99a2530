"""POSH (RFC 7711): a domain's web server names the certificate of its XMPP server."""

import json
import time

from harness.errors import check, check_equal
from harness.federation import RESULT, Remote, condition
from harness.stage import scenario
from harness.web import POSH, WebServer, posh, reference

MONTAGUE = "montague.example"
JULIET = f"juliet@{MONTAGUE}"
HOSTING = "hosting.example"
STRICT = ("federation = true\ns2s = { require_certificate = true, waiting_time = '4s', "
          "connect_timeout = '2s', auth_timeout = '6s', lookup_timeout = '2s' }")


def _world(stage, *domains, **s2s):
    """A web server that is found as these domains', and montague, which shows the certificate of
    who hosts it."""
    web = WebServer(stage)
    settings = stage.server.settings
    found = {domain: {"posh_connect": f"127.0.0.1:{web.port}"} for domain in domains}
    stage.server.apply({**settings, "s2s": {**settings["s2s"], **s2s, "domain": found}})
    stage.server.control("reload")
    hosted = stage.server.authority.self_signed("hosting", HOSTING)
    return web, Remote(stage, MONTAGUE, hosted)


def _logged(stage, *words):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if any(all(word in line for word in words)
               for line in stage.server.log_text().splitlines()):
            return
        time.sleep(0.05)
    check(False, f"no line of the log has {words}")


@scenario(config=STRICT)
def scenario_incoming(stage):
    """EXTERNAL is offered to who shows a certificate that the document names; it is fetched once."""
    web, montague = _world(stage, MONTAGUE)
    web.put(MONTAGUE, posh(montague.certificate[0]))
    romeo = stage.client("romeo").online()
    for number in range(3):
        stream = montague.connect().secure().external()
        stream.write(montague.message(to=romeo.jid, body="Hi", id=f"m{number}"))
        check_equal(romeo.receive().get("id"), f"m{number}", "the message")
    check_equal(web.asked, [(MONTAGUE, POSH)], "what the web server was asked")
    _logged(stage, "certificate counts", f"remote={MONTAGUE}", "by=posh")
    rows = json.loads(stage.server.control("s2s", "show", MONTAGUE, "--json"))["rows"]
    check(any(row["receives"] == f"{MONTAGUE} -> {stage.server.host}: external by posh"
              for row in rows), f"s2s show: {rows}")


@scenario(config=STRICT)
def scenario_incoming_by_dialback(stage):
    """XEP-0344 §2.4: such a certificate makes the question for a key needless, on any stream."""
    web, montague = _world(stage, MONTAGUE, "verona.example")
    for domain in (MONTAGUE, "verona.example"):
        web.put(domain, posh(montague.certificate[0]))
    romeo = stage.client("romeo").online()
    stream = montague.connect().secure().external()
    # A further domain, asked for while the stream goes on.
    stream.ask_pair(sender="verona.example", key="anything")
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    check_equal(romeo.receive().get("id"), "m1", "the message")
    check_equal(stream.take(RESULT).get("type"), "valid", "the answer")
    stream.write(f"<message from='a@verona.example' to='{romeo.jid}' id='m2'><body>Hi</body></message>")
    check_equal(romeo.receive().get("id"), "m2", "the message of the other domain")
    check_equal(montague.streams, [], "nobody was asked")


@scenario(config=STRICT)
def scenario_outgoing(stage):
    """Stanzas go to a server whose certificate the document names, and not to another one."""
    web, montague = _world(stage, MONTAGUE, "verona.example")
    web.put(MONTAGUE, posh(montague.certificate[0]))
    romeo = stage.client("romeo").online()
    romeo.send(f"<message to='{JULIET}' id='m1'><body>Hi</body></message>")
    check_equal(montague.stanza().get("id"), "m1", "the message")
    other = stage.server.authority.self_signed("other", HOSTING)
    verona = Remote(stage, "verona.example", other)
    web.put("verona.example", posh(montague.certificate[0]))
    romeo.send("<message to='juliet@verona.example' id='m2'><body>Hi</body></message>")
    bounced = romeo.receive(10)
    check_equal((bounced.get("id"), bounced.get("type")), ("m2", "error"), "what came back")
    verona.nothing(0.1)


@scenario(config=STRICT)
def scenario_reference(stage):
    """RFC 7711 §3.2: the document may say where it is, once, and over HTTPS."""
    web, montague = _world(stage, MONTAGUE, "twice.example", HOSTING)
    web.put(HOSTING, posh(montague.certificate[0]), "/posh.json")
    web.put(HOSTING, reference(f"https://{HOSTING}/posh.json"), "/again.json")
    web.put(MONTAGUE, reference(f"https://{HOSTING}/posh.json"))
    web.put("twice.example", reference(f"https://{HOSTING}/again.json"))
    montague.connect().secure().external()
    check_equal(web.asked, [(MONTAGUE, POSH), (HOSTING, "/posh.json")], "who was asked")
    twice = montague.connect().secure(sender="twice.example")
    check(not twice.offers_external(), "a reference to a reference counts")


@scenario(config=STRICT)
def scenario_documents_that_do_not_count(stage):
    """Another certificate, no time, no JSON, too large, an HTTP redirect: nothing is proved."""
    authority = stage.server.authority
    cases = ("other", "endless", "garbage", "large", "redirect", "missing", "expired")
    web, montague = _world(stage, HOSTING, *(f"{name}.example" for name in cases))
    named = posh(montague.certificate[0])
    web.put(HOSTING, named, "/posh.json")
    web.put("other.example", posh(authority.self_signed("other", HOSTING)[0]))
    web.put("endless.example", posh(montague.certificate[0], expires=0))
    web.put("garbage.example", named[:-1])
    web.put("large.example", named + " " * 70_000)
    web.put("redirect.example", named, status=302, Location=f"https://{HOSTING}/posh.json")
    expired = authority.server("expired", HOSTING, expired=True)
    web.put("expired.example", posh(expired[0]))
    web.host("missing.example")
    good = montague.certificate
    for name in cases:
        montague.certificate = expired if name == "expired" else good
        stream = montague.connect(name).secure(sender=f"{name}.example")
        check(not stream.offers_external(), f"EXTERNAL by the document {name}")
        stream.ask_pair(sender=f"{name}.example")
        check_equal(condition(stream.take(RESULT)), "not-authorized", f"dialback of {name}")
    check((HOSTING, "/posh.json") not in web.asked, "an HTTP redirect was followed")


@scenario(config=STRICT)
def scenario_the_web_server_must_prove_itself(stage):
    """RFC 7711 §3: without a certificate for the domain the web server is asked nothing."""
    web, montague = _world(stage, MONTAGUE)
    web.host(MONTAGUE, certificate_for="evil.example")
    web.put(MONTAGUE, posh(montague.certificate[0]))
    check(not montague.connect().secure().offers_external(), "anybody's document counts")
    check_equal(web.handshakes, [MONTAGUE], "handshakes")
    check_equal(web.asked, [], "what the web server was asked")


@scenario(config=STRICT)
def scenario_failures_are_remembered(stage):
    """That there is no document is asked once in a while, however many come."""
    web, montague = _world(stage, MONTAGUE)
    web.host(MONTAGUE)
    for _ in range(5):
        check(not montague.connect().secure().offers_external(), "EXTERNAL by nothing")
    check_equal(web.asked, [(MONTAGUE, POSH)], "what the web server was asked")


@scenario(config=STRICT)
def scenario_a_slow_web_server(stage):
    """A handshake waits `lookup_timeout` and no longer; what comes later counts for the next one."""
    web, montague = _world(stage, MONTAGUE, lookup_timeout="1s")
    web.put(MONTAGUE, posh(montague.certificate[0]))
    web.delay_s = 5
    began = time.monotonic()
    check(not montague.connect().secure().offers_external(), "EXTERNAL by nothing")
    check(time.monotonic() - began < 3, "the handshake waited too long")
    stage.client("romeo").online()


@scenario(config=STRICT)
def scenario_only_where_strangers_may_send_us(stage):
    """An address that is not of the open Internet is not gone to, unless the configuration says so."""
    web, montague = _world(stage)
    web.put(MONTAGUE, posh(montague.certificate[0]))
    stage.server.dns.address(MONTAGUE, "127.0.0.1")
    check(not montague.connect().secure().offers_external(), "EXTERNAL by nothing")
    _logged(stage, "no POSH document", f"remote={MONTAGUE}", "open Internet")
    # Nor may a reference lead there.
    web2, verona = _world(stage, "verona.example")
    stage.server.dns.address(HOSTING, "127.0.0.1")
    web2.put("verona.example", reference(f"https://{HOSTING}:{web2.port}/posh.json"))
    web2.put(HOSTING, posh(verona.certificate[0]), "/posh.json")
    stream = verona.connect().secure(sender="verona.example")
    check(not stream.offers_external(), "a reference to this machine counts")
    check_equal(web2.asked, [("verona.example", POSH)], "who was asked")


@scenario(config=STRICT.replace("{ ", "{ posh = false, "))
def scenario_off(stage):
    """`posh = false`: no web server is asked."""
    web, montague = _world(stage, MONTAGUE)
    web.put(MONTAGUE, posh(montague.certificate[0]))
    check(not montague.connect().secure().offers_external(), "EXTERNAL by POSH")
    check_equal(web.handshakes, [], "handshakes")


@scenario(config=STRICT)
def scenario_not_asked_without_need(stage):
    """A certificate that counts by itself costs no look-up."""
    web, montague = _world(stage, MONTAGUE)
    montague.certificate = stage.server.authority.server(MONTAGUE, MONTAGUE)
    montague.connect().secure().external()
    check_equal(web.handshakes, [], "handshakes")
