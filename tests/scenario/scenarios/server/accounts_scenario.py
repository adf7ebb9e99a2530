"""Accounts that the operator closes, and opens again (RFC 6120 §6.5.1)."""

from harness import sasl2
from harness.client import SaslFailure
from harness.errors import check_equal
from harness.stage import scenario

ONLY_OURS = {"prosody": "is not under test here"}
MECHANISMS = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256")


def _refusal(stage, mechanism, password=None, user=None):
    """What the server says to this login; nothing when it lets in."""
    client = stage.client("romeo", name=f"{user or 'romeo'} {mechanism}")
    client.secure()
    try:
        client.authenticate(mechanism, user=user, password=password)
        return None
    except SaslFailure as failure:
        return failure.condition


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_disable_ends_and_enable_lets_in(stage):
    """Nobody comes in, who was in is out, and what the account owns is there afterwards."""
    romeo = stage.client("romeo")
    romeo.login()
    account = romeo.account.bare
    stage.server.control("user", "disable", account)
    romeo.stream_error("policy-violation")
    for mechanism in MECHANISMS:
        check_equal(_refusal(stage, mechanism), "account-disabled", mechanism)
    juliet = stage.client("juliet")
    juliet.login()
    juliet.write(f"<message to='{account}' type='chat'><body>are you there?</body></message>")
    juliet.iq("get", "<ping xmlns='urn:xmpp:ping'/>")
    stage.server.control("user", "enable", account)
    again = stage.client("romeo", name="again")
    again.login()
    again.write("<presence/>")
    message = again.receive()
    while not message.tag.endswith("}message"):
        message = again.receive()
    check_equal(message.find("{jabber:client}body").text, "are you there?", "what waited")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_disabled_is_no_secret_of_who_guesses(stage):
    """Without the password a disabled account looks like one that does not exist."""
    stage.server.control("user", "disable", stage.account("romeo").bare)
    for mechanism in MECHANISMS:
        check_equal(_refusal(stage, mechanism, "wrong"), "not-authorized", mechanism)
        check_equal(_refusal(stage, mechanism, "wrong", user="nobody"), "not-authorized", "nobody")
    romeo = stage.client("romeo", name="sasl2")
    sasl2.open_tls(romeo)
    romeo.write(sasl2.authenticate_text("PLAIN", f"\0{romeo.account.user}\0wrong"))
    conditions = [child.tag.partition("}")[2] for child in romeo.element()]
    check_equal(conditions, ["not-authorized"], "SASL2")
