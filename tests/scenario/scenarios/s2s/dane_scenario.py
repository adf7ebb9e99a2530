"""DANE for servers that connect to this one (RFC 7673): signed records name their certificate."""

import hashlib
import json
import ssl
from pathlib import Path

from harness.authority import Authority
from harness.errors import check, check_equal
from harness.federation import RESULT, Remote, condition
from harness.stage import scenario

MONTAGUE = "montague.example"
SIGNED = ("federation = true\ndnssec = true\n"
          "s2s = { require_certificate = true, posh = false, auth_timeout = '10s' }")


def _publish(stage, remote, usage, selector, data, domain=None):
    stage.server.dns.tlsa(f"xmpp.{domain or remote.domain}", remote.port, usage, selector, 1,
                          hashlib.sha256(data).digest())


def _der(certificate):
    return ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())


def _self_signed(stage, domain):
    return Remote(stage, domain, stage.server.authority.self_signed(domain, domain))


@scenario(config=SIGNED)
def scenario_end_entity(stage):
    """DANE-EE: a certificate that no authority vouches for gets in by EXTERNAL, and by dialback."""
    romeo, montague = stage.client("romeo").online(), _self_signed(stage, MONTAGUE)
    key = stage.server.authority.public_key(montague.certificate[0])
    _publish(stage, montague, 3, 1, key)
    stream = montague.connect().secure().external()
    stream.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    check_equal(romeo.receive().get("id"), "m1", "the message")
    rows = json.loads(stage.server.control("s2s", "show", MONTAGUE, "--json"))["rows"]
    check(any(row["receives"].endswith(": external by dane") for row in rows), f"show: {rows}")
    montague.connect().secure().dialback(key="anything")
    check_equal(montague.streams, [], "nobody was asked")


@scenario(config=SIGNED)
def scenario_trust_anchor(stage):
    """DANE-TA: an authority of one's own; the names in the certificate count then."""
    own = Authority(stage.server.folder / "own", "own")
    romeo = stage.client("romeo").online()

    def remote(domain, name):
        certificate, key = own.server(name, name)
        chain = Path(certificate).with_suffix(".chain")
        chain.write_text(Path(certificate).read_text() + Path(own.certificate).read_text())
        made = Remote(stage, domain, (str(chain), key))
        _publish(stage, made, 2, 0, _der(own.certificate))
        return made
    good = remote(MONTAGUE, MONTAGUE)
    stream = good.connect().secure().external()
    stream.write(good.message(to=romeo.jid, body="Hi", id="m1"))
    check_equal(romeo.receive().get("id"), "m1", "the message")
    # RFC 7673 §3.3: or for the host that SRV names.
    remote("verona.example", "xmpp.verona.example").connect().secure().external()
    other = remote("padua.example", "evil.example")
    check(not other.connect().secure().offers_external(), "EXTERNAL for another name")


@scenario(config=SIGNED)
def scenario_records_that_do_not_count(stage):
    """Another key, usages that need an authority beside them, records whose signature is wrong."""
    authority = stage.server.authority
    for name, usage in (("other", 3), ("pkix", 1), ("forged", 3)):
        remote = _self_signed(stage, f"{name}.example")
        shown = remote.certificate[0]
        if name == "other":
            shown = authority.self_signed("somebody", "somebody.example")[0]
        _publish(stage, remote, usage, 1, authority.public_key(shown))
        signer = stage.server.signer
        sign = signer.sign
        if name == "forged":
            signer.sign = lambda records, sign=sign: sign(records)[:-1] + b"\0"
        stream = remote.connect(name).secure()
        signer.sign = sign
        check(not stream.offers_external(), f"EXTERNAL by the record {name}")
        stream.ask_pair()
        check_equal(condition(stream.take(RESULT)), "not-authorized", f"dialback of {name}")


@scenario(config=SIGNED)
def scenario_nothing_is_said_against_who_comes(stage):
    """A server may go out with another certificate than the one that waits at its port."""
    montague = Remote(stage, MONTAGUE)
    other = stage.server.authority.self_signed("other", MONTAGUE)[0]
    _publish(stage, montague, 3, 1, stage.server.authority.public_key(other))
    montague.connect().secure().external()


@scenario(config=SIGNED.replace("dnssec = true\n", ""))
def scenario_unsigned(stage):
    """RFC 7673 §3: records that DNSSEC has not validated count for nothing."""
    montague = _self_signed(stage, MONTAGUE)
    _publish(stage, montague, 3, 1, stage.server.authority.public_key(montague.certificate[0]))
    check(not montague.connect().secure().offers_external(), "EXTERNAL by an unsigned record")
