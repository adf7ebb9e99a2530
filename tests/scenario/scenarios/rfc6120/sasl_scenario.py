"""SASL: every mechanism that is offered, and what must not work."""

import base64

from harness import binding
from harness.client import SaslFailure
from harness.connection import Connection
from harness.errors import Closed, Failure, Skip, check, check_equal
from harness.scram import Scram, encode, plain
from harness.stage import scenario
from harness.xmltree import SASL

CB = "urn:xmpp:sasl-cb:0"
PROSODY = {"prosody": "0.12 does not offer this mechanism with TLS 1.3"}


def _login(stage, mechanism, binding_kind=None, direct_tls=False):
    romeo = stage.client("romeo")
    romeo.secure(direct_tls)
    romeo.authenticate(mechanism, binding=binding_kind)
    romeo.open_stream()
    check(romeo.bind().startswith(stage.bare("romeo") + "/"), "the bound address")


@scenario()
def scenario_plain(stage):
    """RFC 4616: PLAIN inside of TLS."""
    _login(stage, "PLAIN")


@scenario()
def scenario_scram_sha_1(stage):
    """RFC 5802: SCRAM-SHA-1, the server's signature checked."""
    _login(stage, "SCRAM-SHA-1")


@scenario()
def scenario_scram_sha_256(stage):
    """RFC 7677: SCRAM-SHA-256."""
    _login(stage, "SCRAM-SHA-256")


@scenario(differs=PROSODY)
def scenario_scram_sha_512(stage):
    """SCRAM-SHA-512."""
    _login(stage, "SCRAM-SHA-512")


@scenario(differs=PROSODY)
def scenario_plus_server_end_point(stage):
    """RFC 5929 §4: each SCRAM-PLUS bound to the server's certificate."""
    for mechanism in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"):
        _login(stage, mechanism, "tls-server-end-point")


@scenario(differs=PROSODY)
def scenario_plus_exporter(stage):
    """RFC 9266: each SCRAM-PLUS bound to the TLS session, also on direct TLS."""
    if not binding.can_export():
        raise Skip("this Python gives no exported keying material")
    for mechanism in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"):
        for direct_tls in (False, True):
            _login(stage, mechanism, "tls-exporter", direct_tls)


@scenario(differs=PROSODY)
def scenario_plus_wrong_binding(stage):
    """RFC 5802 §6: the channel binding of another TLS session is refused."""
    romeo = stage.client("romeo")
    romeo.secure()
    check("SCRAM-SHA-256-PLUS" in romeo.mechanisms(), "SCRAM-SHA-256-PLUS is not offered")
    scram = Scram("SCRAM-SHA-256", romeo.account.user, romeo.account.password,
                  "p=tls-server-end-point", b"the wrong certificate's hash....")
    romeo.sasl_auth("SCRAM-SHA-256-PLUS", encode(scram.first()))
    challenge = romeo.sasl_answer("challenge")
    romeo.write(f"<response xmlns='{SASL}'>{encode(scram.final(challenge))}</response>")
    _refused(romeo)


@scenario(differs=PROSODY)
def scenario_downgrade(stage):
    """RFC 5802 §6: 'y' says that the server did not offer -PLUS, which is not true."""
    romeo = stage.client("romeo")
    romeo.secure()
    check("SCRAM-SHA-256-PLUS" in romeo.mechanisms(), "SCRAM-SHA-256-PLUS is not offered")
    scram = Scram("SCRAM-SHA-256", romeo.account.user, romeo.account.password, "y")
    romeo.sasl_auth("SCRAM-SHA-256", encode(scram.first()))
    try:
        challenge = romeo.sasl_answer("challenge")
        romeo.write(f"<response xmlns='{SASL}'>{encode(scram.final(challenge))}</response>")
    except SaslFailure:
        return
    _refused(romeo)


def _refused(client):
    try:
        client.sasl_answer("success")
    except SaslFailure as failure:
        check(failure.condition in ("not-authorized", "malformed-request"),
              f"unexpected condition {failure.condition}")
        return
    raise Failure("the server accepted it")


@scenario(differs=PROSODY)
def scenario_binding_types_in_features(stage):
    """XEP-0440: the kinds of channel binding are advertised beside the mechanisms."""
    romeo = stage.client("romeo")
    romeo.secure()
    kinds = [e.get("type") for e in romeo.features.findall(
        f"{{{CB}}}sasl-channel-binding/{{{CB}}}channel-binding")]
    check("tls-server-end-point" in kinds, f"tls-server-end-point is not among {kinds}")
    if romeo.socket.version() == "TLSv1.3":
        check("tls-exporter" in kinds, f"tls-exporter is not among {kinds}")
        check("tls-unique" not in kinds, "tls-unique does not exist in TLS 1.3")


@scenario()
def scenario_wrong_password(stage):
    """RFC 6120 §6.5.10: a wrong password fails with each mechanism."""
    for mechanism in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"):
        romeo = stage.client("romeo", name=mechanism)
        romeo.secure()
        try:
            romeo.authenticate(mechanism, password="not my secret")
        except SaslFailure as failure:
            check_equal(failure.condition, "not-authorized", f"the condition with {mechanism}")
            continue
        raise Failure(f"{mechanism} accepts a wrong password")


@scenario(differs={"prosody": "sends no challenge for an unknown user"})
def scenario_unknown_user(stage):
    """docs/security.md: an unknown user is answered like a wrong password, with a salt that stays."""
    seen = []
    for user in (stage.account("romeo").user, "nobody-here", "nobody-here"):
        carol = stage.client("romeo", name=user)
        carol.secure()
        mechanisms = carol.mechanisms()
        scram = Scram("SCRAM-SHA-1", user, "not my secret")
        carol.sasl_auth("SCRAM-SHA-1", encode(scram.first()))
        challenge = carol.sasl_answer("challenge")
        carol.write(f"<response xmlns='{SASL}'>{encode(scram.final(challenge))}</response>")
        try:
            carol.sasl_answer("success")
        except SaslFailure as failure:
            seen.append((mechanisms, scram.rounds, len(scram.salt), failure.conditions, scram.salt))
    known, unknown, again = seen
    check_equal(unknown[:4], known[:4], "the answers for an unknown user")
    check_equal(again[4], unknown[4], "the salt of an unknown user, asked twice")


@scenario()
def scenario_unknown_user_plain(stage):
    """RFC 6120 §13.11: with PLAIN an unknown user looks like a wrong password."""
    answers = []
    for user in (stage.account("romeo").user, "nobody-here"):
        carol = stage.client("romeo", name=user)
        carol.secure()
        carol.sasl_auth("PLAIN", plain(user, "wrong"))
        carol.read_until("</failure>")
        answers.append([line for _, who, way, line in carol.transcript._lines
                        if who == user and way == "<<"][-1])
    check_equal(answers[1], answers[0], "the answers")


@scenario(differs={"prosody": "counts no tries"})
def scenario_five_tries(stage):
    """RFC 6120 §6.4.5: between two and five tries, then the stream ends."""
    romeo = stage.client("romeo")
    romeo.secure()
    refusals = 0
    for _ in range(7):
        romeo.sasl_auth("PLAIN", plain(romeo.account.user, "wrong"))
        try:
            romeo.sasl_answer("success")
        except SaslFailure as failure:
            check_equal(failure.condition, "not-authorized", "the condition")
            refusals += 1
        except Failure:
            break  # a stream error, or the end of the stream
    check(2 <= refusals <= 5, f"{refusals} tries were answered")
    romeo.quiet(1)
    check(romeo.eof, "the stream is still open after seven tries")


@scenario()
def scenario_altered_proof(stage):
    """RFC 5802 §3: a proof with one bit changed, or for another nonce, is refused."""
    for change in ("proof", "nonce", "binding"):
        romeo = stage.client("romeo", name=change)
        romeo.secure()
        scram = Scram("SCRAM-SHA-1", romeo.account.user, romeo.account.password)
        romeo.sasl_auth("SCRAM-SHA-1", encode(scram.first()))
        final = scram.final(romeo.sasl_answer("challenge"))
        if change == "proof":
            head, _, proof = final.rpartition(",p=")
            bits = bytearray(base64.b64decode(proof))
            bits[0] ^= 1
            final = f"{head},p={encode(bytes(bits))}"
        elif change == "nonce":
            final = final.replace(",r=", ",r=x")
        else:
            final = final.replace("c=biws", f"c={encode('y,,')}")
        romeo.write(f"<response xmlns='{SASL}'>{encode(final)}</response>")
        _refused(romeo)


@scenario()
def scenario_other_connection_unharmed(stage):
    """SASL exchanges of two connections at the same time do not mix."""
    both = [stage.client("romeo", name="one"), stage.client("juliet", name="two")]
    exchanges = []
    for client in both:
        Connection.reset(client)
        client.secure()
        scram = Scram("SCRAM-SHA-1", client.account.user, client.account.password)
        client.sasl_auth("SCRAM-SHA-1", encode(scram.first()))
        exchanges.append((client, scram))
    for client, scram in exchanges:
        challenge = client.sasl_answer("challenge")
        client.write(f"<response xmlns='{SASL}'>{encode(scram.final(challenge))}</response>")
    for client, scram in reversed(exchanges):
        scram.verify(client.sasl_answer("success"))
