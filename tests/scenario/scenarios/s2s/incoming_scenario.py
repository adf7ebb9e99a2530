"""Streams of other servers that come in: what gets in, and what does not."""

import time

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import DIALBACK, RESULT, SERVER, VERIFY, Remote, condition
from harness.stage import scenario
from harness.xmltree import TLS

CONFIG = "federation = true"
STRICT = "federation = true\ns2s = { require_certificate = true }"
MONTAGUE = "montague.example"


def _online(stage, user="romeo"):
    return stage.client(user).online()


def _self_signed(stage):
    """A server whose certificate does not suffice: it has to prove its domain by dialback."""
    return Remote(stage, MONTAGUE, stage.server.authority.self_signed("self", MONTAGUE))


def _comes(client, number):
    """The message with this id comes to a client, and nothing before it."""
    element = client.receive()
    check_equal((xmltree.split(element.tag)[1], element.get("id")), ("message", number),
                "what came")
    return element


@scenario(config=CONFIG)
def scenario_dialback(stage):
    """XEP-0220: TLS, a key, a message; the answer goes back."""
    romeo, montague = _online(stage), _self_signed(stage)
    stream = montague.connect().secure()
    check(stream.offers("urn:xmpp:features:dialback", "dialback"), "dialback is not offered")
    check(not stream.offers(TLS, "starttls"), "STARTTLS twice")
    montague.offers_external = False
    stream.dialback()
    check_equal(len(montague.streams), 1, "the authoritative server was asked once")
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1", type="chat"))
    came = _comes(romeo, "m1")
    check_equal(came.get("from"), f"juliet@{MONTAGUE}/balcony", "the sender")
    romeo.send(f"<message to='{came.get('from')}' id='m2' type='chat'><body>Ho</body></message>")
    answer = montague.stanza()
    check_equal((answer.get("id"), answer.get("from"), answer.get("to")),
                ("m2", romeo.jid, came.get("from")), "the answer")


@scenario(config=CONFIG)
def scenario_external(stage):
    """XEP-0178 §3: a good certificate gets in by EXTERNAL, with and without an authzid."""
    romeo, montague = _online(stage), Remote(stage, MONTAGUE)
    for number, authzid in enumerate((None, MONTAGUE)):
        stream = montague.connect().secure().external(authzid)
        check(not stream.offers_external(), "EXTERNAL twice")
        stream.write(montague.message(to=romeo.jid, body="Hi", id=f"m{number}"))
        _comes(romeo, f"m{number}")
    wrong = montague.connect().secure()
    wrong.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>"
                "ZXZpbC5leGFtcGxl</auth>")  # evil.example
    failure = wrong.element()
    check_equal([xmltree.split(each.tag)[1] for each in failure][:1], ["invalid-authzid"],
                "the failure")


@scenario(config=CONFIG)
def scenario_external_over_direct_tls(stage):
    """XEP-0368: the same where TLS begins with the connection."""
    romeo, montague = _online(stage), Remote(stage, MONTAGUE)
    stream = montague.connect(direct_tls=True).open_stream()
    stream.external()
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    _comes(romeo, "m1")


@scenario(config=CONFIG)
def scenario_names_in_certificates(stage):
    """RFC 6120 §13.7.1: SRVName, id-on-xmppAddr and a star name a server; other names do not."""
    authority = stage.server.authority
    cases = (("srv", {"srv": [MONTAGUE]}, (), True),
             ("xmpp", {"xmpp": [MONTAGUE]}, (), True),
             ("star", {}, ("*.example",), False),  # nobody has a whole top-level domain
             ("above", {}, ("*.montague.example",), False),
             ("user", {"xmpp": [f"juliet@{MONTAGUE}"]}, ("other.example",), False),
             ("both", {}, ("other.example", MONTAGUE), True))
    montague = Remote(stage, MONTAGUE)
    for name, extra, domains, is_good in cases:
        montague.certificate = authority.server(name, *domains, **extra)
        check_equal(montague.connect().secure().offers_external(), is_good, f"EXTERNAL for {name}")
    rooms = Remote(stage, "rooms.montague.example",
                   certificate=authority.server("rooms", "*.montague.example"))
    check(rooms.connect().secure().offers_external(), "a star for one label")


@scenario(config=CONFIG)
def scenario_certificates_that_are_not_good(stage):
    """RFC 6120 §13.7.2: another name, expired, self-signed: no EXTERNAL, but dialback may be."""
    authority = stage.server.authority
    romeo = _online(stage)
    montague = Remote(stage, MONTAGUE)
    for name, certificate in (
            ("wrong", authority.server("wrong", "other.example")),
            ("expired", authority.server("expired", MONTAGUE, expired=True)),
            ("self", authority.self_signed("self", MONTAGUE))):
        montague.certificate = certificate
        stream = montague.connect(name).secure()
        check(not stream.offers_external(), f"EXTERNAL for the certificate {name}")
        stream.dialback()
        stream.write(montague.message(to=romeo.jid, body="Hi", id=name))
        _comes(romeo, name)


@scenario(config=STRICT)
def scenario_certificates_are_required(stage):
    """With `require_certificate` dialback does not suffice, whatever the key."""
    authority = stage.server.authority
    montague = Remote(stage, MONTAGUE)
    good = montague.certificate
    for certificate in (authority.server("wrong", "other.example"),
                        authority.server("expired", MONTAGUE, expired=True),
                        authority.self_signed("self", MONTAGUE)):
        montague.certificate = certificate
        stream = montague.connect().secure()
        stream.ask_pair()
        answer = stream.take(RESULT)
        check_equal((answer.get("type"), condition(answer)), ("error", "not-authorized"),
                    "the answer")
        stream.write(montague.message(to=stage.bare("romeo"), body="Hi"))
        stream.stream_error("not-authorized")
    check_equal(montague.streams, [], "nobody was asked")
    # XEP-0344 §2.4: with a good one the key is not looked at.
    montague.certificate = good
    montague.connect().secure().dialback(key="anything")
    check_equal(montague.streams, [], "nobody was asked")


@scenario(config=CONFIG)
def scenario_revoked(stage):
    """RFC 5280 §5: a certificate that its authority has taken back is none."""
    authority = stage.server.authority
    montague = Remote(stage, MONTAGUE)
    check(montague.connect().secure().offers_external(), "it is good")
    authority.revoke(MONTAGUE)
    stage.server.apply({**stage.server.settings, "s2s": {"crl_file": authority.revocations()}})
    stage.server.control("reload")
    check(not montague.connect().secure().offers_external(), "it is revoked")


@scenario(config=CONFIG)
def scenario_wrong_key(stage):
    """XEP-0220 §2.2.1: a key that the authoritative server has not made: invalid, and the end."""
    montague = _self_signed(stage)
    stream = montague.connect().secure()
    stream.ask_pair(key="0" * 64)
    answer = stream.take(RESULT)
    check_equal(answer.get("type"), "invalid", "the answer")
    stream.closed()
    check_equal(len(montague.streams), 1, "one question")


@scenario(config=CONFIG)
def scenario_wrong_key_among_good_ones(stage):
    """XEP-0220 §2.2.1: where another pair is proved, <forbidden/>, and the stream stays."""
    romeo = _online(stage)
    montague, verona = Remote(stage, MONTAGUE), Remote(stage, "verona.example")
    stream = montague.connect().secure().external()
    stream.ask_pair(sender="verona.example", key="0" * 64)
    answer = stream.take(RESULT)
    check_equal((answer.get("type"), condition(answer)), ("error", "forbidden"), "the answer")
    check_equal(len(verona.streams), 1, "the domain's own server was asked")
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    _comes(romeo, "m1")
    stream.write(f"<message from='juliet@verona.example' to='{romeo.jid}'/>")
    stream.stream_error("invalid-from")


@scenario(config=CONFIG)
def scenario_somebody_elses_domain(stage):
    """XEP-0220: who is not a domain's server cannot prove it, whatever he answers elsewhere."""
    evil = Remote(stage, "evil.example")
    verona = Remote(stage, "verona.example")
    evil.verdict = "valid"
    stream = evil.connect().secure(sender="verona.example")
    check(not stream.offers_external(), "EXTERNAL for another domain")
    stream.ask_pair(sender="verona.example")
    # An answer on the wrong stream, to the question that is under way elsewhere.
    stream.write(f"<db:verify from='verona.example' to='{stage.server.host}' id='{stream.id}' "
                 "type='valid'/>")
    stream.write(f"<db:result from='verona.example' to='{stage.server.host}' type='valid'/>")
    answer = stream.take(RESULT)
    check_equal(answer.get("type"), "invalid", "the answer")
    stream.closed()
    check_equal((len(evil.streams), len(verona.streams)), (0, 1), "who was asked")


@scenario(config=CONFIG)
def scenario_domains_that_cannot_be_asked(stage):
    """XEP-0220 §2.5: no such domain, nobody there, and domains of ours."""
    evil = Remote(stage, "evil.example")
    Remote(stage, "dead.example").close()
    stream = evil.connect().secure()
    for sender, wanted in (("nobody.example", "remote-server-not-found"),
                           ("dead.example", "remote-server-timeout"),
                           (stage.server.second_host, "not-acceptable")):
        stream.ask_pair(sender=sender)
        answer = stream.element(15)
        check_equal((answer.tag, answer.get("type"), condition(answer)),
                    (RESULT, "error", wanted), f"the answer for {sender}")
    stream.ask_pair(to="nobody.example")
    check_equal(condition(stream.take(RESULT)), "item-not-found", "a domain that is not served")


@scenario(config=CONFIG)
def scenario_headers(stage):
    """RFC 6120 §4.9.3: headers that are refused, and with what."""
    montague = Remote(stage, MONTAGUE)
    ours = stage.server.second_host
    for arguments, wanted in (({"to": "nobody.example"}, "host-unknown"),
                              ({"to": f"romeo@{stage.server.host}"}, "improper-addressing"),
                              ({"to": ""}, "improper-addressing"),
                              ({"sender": "a@b.example"}, "improper-addressing"),
                              ({"sender": ours}, "invalid-from"),
                              ({"version": "0.9"}, "unsupported-version"),
                              ({"namespace": "jabber:client"}, "invalid-namespace"),
                              ({"version": ""}, "policy-violation")):
        stream = montague.connect()
        given = {"sender": MONTAGUE, "to": stage.server.host, "version": "1.0",
                 "namespace": SERVER, **arguments}
        attributes = "".join(f" {name}='{given[key]}'" for name, key in
                             (("from", "sender"), ("to", "to"), ("version", "version"))
                             if given[key])
        stream.write(f"<stream:stream xmlns='{given['namespace']}' xmlns:db='{DIALBACK}' "
                     f"xmlns:stream='{xmltree.STREAM}'{attributes}>")
        kind, header = stream.event()
        check_equal((kind, bool(header.get("id"))), ("open", True), "the server's header")
        stream.stream_error(wanted)


@scenario(config=CONFIG)
def scenario_without_tls(stage):
    """RFC 7590 §3.4: before TLS there is STARTTLS and nothing else."""
    montague = Remote(stage, MONTAGUE)
    stream = montague.connect().open_stream()
    check_equal([xmltree.split(each.tag) for each in stream.features], [(TLS, "starttls")],
                "what is offered")
    stream.ask_pair()
    check_equal(condition(stream.take(RESULT)), "policy-violation", "dialback in clear")
    stream.write(f"<db:verify from='{MONTAGUE}' to='{stage.server.host}' id='1'>k</db:verify>")
    check_equal(condition(stream.take(VERIFY)), "policy-violation", "a question in clear")
    check_equal(montague.streams, [], "nobody was asked")
    stream.write(montague.message(to=stage.bare("romeo"), body="Hi"))
    stream.stream_error("not-authorized")


@scenario(config=CONFIG)
def scenario_stanza_before_verification(stage):
    """RFC 6120 §4.9.3.12: a stanza before anything is proved, also while a key is verified."""
    romeo = _online(stage)
    montague = _self_signed(stage)
    stream = montague.connect().secure()
    stream.write(montague.message(to=romeo.jid, body="Hi"))
    stream.stream_error("not-authorized")
    montague.is_silent = True
    stream = montague.connect().secure()
    stream.ask_pair()
    montague.wait_for_stream()
    stream.write(montague.message(to=romeo.jid, body="Hi"))
    stream.stream_error("not-authorized")
    check_equal(romeo.collect(), [], "what came to romeo")


@scenario(config=CONFIG)
def scenario_forged_addresses(stage):
    """RFC 6120 §8.1.1.2, §8.1.2.2: addresses of each stanza are checked."""
    romeo, montague = _online(stage), Remote(stage, MONTAGUE)
    host, ours = stage.server.host, stage.server.second_host
    juliet = f"juliet@{MONTAGUE}"
    for sender, to, wanted in (("juliet@evil.example", romeo.jid, "invalid-from"),
                               (f"juliet@sub.{MONTAGUE}", romeo.jid, "invalid-from"),
                               (f"juliet@not{MONTAGUE}", romeo.jid, "invalid-from"),
                               (stage.bare("juliet"), romeo.jid, "invalid-from"),
                               (juliet, f"a@{ours}", "host-unknown"),
                               (juliet, "a@evil.example", "host-unknown"),
                               (juliet, f"a@sub.{host}", "host-unknown"),
                               ("", romeo.jid, "improper-addressing"),
                               (juliet, "", "improper-addressing")):
        stream = montague.connect().secure().external()
        given = "".join(f" {name}='{value}'" for name, value in (("from", sender), ("to", to))
                        if value)
        stream.write(f"<message{given} id='forged'><body>Hi</body></message>")
        stream.stream_error(wanted)
    check_equal(romeo.collect(), [], "what came to romeo")


@scenario(config=CONFIG)
def scenario_several_domains(stage):
    """XEP-0220 §2.7: one stream proves several pairs; each stanza needs its own."""
    romeo = _online(stage)
    montague = Remote(stage, MONTAGUE)
    rooms = Remote(stage, "rooms.montague.example")
    rooms.secret = montague.secret
    stream = montague.connect().secure().dialback()
    stream.dialback(sender=rooms.domain)
    stream.dialback(to=stage.server.second_host)
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    stream.write(rooms.message(to=romeo.jid, body="Hi", id="m2"))
    _comes(romeo, "m1")
    _comes(romeo, "m2")
    stream.write(rooms.message(to=f"a@{stage.server.second_host}", body="Hi"))
    stream.stream_error("host-unknown")


@scenario(config=CONFIG)
def scenario_authoritative(stage):
    """XEP-0220 §2.2.2: keys that the server made are known again, others are not."""
    romeo, montague = _online(stage), Remote(stage, MONTAGUE)
    montague.offers_external = False
    montague.answer = None
    romeo.send(f"<message to='juliet@{MONTAGUE}'><body>Hi</body></message>")
    first = montague.wait_for_stream()
    deadline = time.monotonic() + 5
    while f"<db:result from='{stage.server.host}'" not in first.text:
        check(time.monotonic() < deadline, "no <db:result/> came")
        time.sleep(0.02)
    key = first.text.partition("<db:result ")[2].partition(">")[2].partition("<")[0]
    asking = montague.connect().secure()
    host = stage.server.host
    for sender, number, sent, wanted in (
            (MONTAGUE, first.id, key, "valid"),
            (MONTAGUE, first.id, key[:-1] + ("0" if key[-1] != "0" else "1"), "invalid"),
            (MONTAGUE, "another", key, "invalid"),
            ("evil.example", first.id, key, "invalid")):
        asking.write(f"<db:verify from='{sender}' to='{host}' id='{number}'>{sent}</db:verify>")
        answer = asking.take(VERIFY)
        check_equal((answer.get("type"), answer.get("id"), answer.get("from"), answer.get("to")),
                    (wanted, number, host, sender), "the answer")
    asking.write(f"<db:verify from='{MONTAGUE}' to='nobody.example' id='1'>k</db:verify>")
    check_equal(condition(asking.take(VERIFY)), "item-not-found", "a domain that is not served")


@scenario(config=CONFIG)
def scenario_big_stanzas(stage):
    """A large stanza comes in whole; its limit is told (XEP-0478), and one too large is refused."""
    romeo, montague = _online(stage), Remote(stage, MONTAGUE)
    stream = montague.connect().secure().external()
    limit = stream.features.find("{urn:xmpp:stream-limits:0}limits/"
                                 "{urn:xmpp:stream-limits:0}max-bytes")
    check(limit is not None and int(limit.text) >= 10000, "no limit is told")
    stream.write(montague.message(to=romeo.jid, body="x" * 200_000, id="big"))
    check_equal(len(_comes(romeo, "big").find("{jabber:client}body").text), 200_000, "its size")
    stream.write(montague.message(to=romeo.jid, body="x" * int(limit.text)))
    stream.stream_error("policy-violation")
