"""Accounts that the operator closes, and opens again (RFC 6120 §6.5.1)."""

import time

from drivers.server import ServerFailed
from harness import sasl2
from harness.client import SaslFailure
from harness.errors import check, check_equal
from harness.scram import Scram, encode, plain
from harness.stage import scenario
from harness.xmltree import BIND, SASL

REGISTER = "jabber:iq:register"
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


def _authenticated(stage, name):
    """Romeo, who has proved his password and has bound nothing yet."""
    romeo = stage.client("romeo", name=name)
    romeo.secure()
    romeo.authenticate("SCRAM-SHA-1")
    romeo.open_stream()
    return romeo


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_changed_while_somebody_logs_in(stage):
    """Who has begun to log in before the account is disabled, or has another password, is not in
    afterwards, however long he takes (RFC 6120 §4.9.3.16)."""
    account = stage.account("romeo")
    for change in ("disable", "passwd"):
        waiting = _authenticated(stage, f"{change} before binding")
        proving = stage.client("romeo", name=f"{change} before the proof")
        proving.secure()
        scram = Scram("SCRAM-SHA-1", account.user, account.password)
        proving.sasl_auth("SCRAM-SHA-1", encode(scram.first()))
        proof = scram.final(proving.sasl_answer("challenge"))
        stage.server.control("user", change, account.bare, text="another\n")
        waiting.write(f"<iq type='set' id='bind'><bind xmlns='{BIND}'/></iq>")
        waiting.stream_error("reset")
        proving.write(f"<response xmlns='{SASL}'>{encode(proof)}</response>")
        failure = proving.element()
        check_equal(SaslFailure(failure).condition, "temporary-auth-failure", change)
        stage.server.control("user", "enable", account.bare)
        stage.server.control("user", "passwd", account.bare, text=f"{account.password}\n")
    stage.client("romeo", name="again").login()


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_old_password_is_over(stage):
    """A login that is verified while the password changes leaves the old one nowhere in memory."""
    romeo = stage.client("romeo")
    romeo.login()
    user, old = romeo.account.user, romeo.account.password
    for round_ in range(3):
        new = f"new{round_}"
        trying = [stage.client("romeo", name=f"{round_} {number}") for number in range(6)]
        for client in trying:
            client.secure()
        romeo.write(f"<iq type='set' id='{new}' to='{romeo.host}'><query xmlns='{REGISTER}'>"
                    f"<username>{user}</username><password>{new}</password></query></iq>")
        for client in trying:
            time.sleep(0.002)
            client.sasl_auth("PLAIN", plain(user, old))
        for client in trying:
            client.element()  # either is right
            client.drop()
        check_equal(romeo.receive().get("type"), "result", "the new password")
        check_equal(_refusal(stage, "PLAIN", old), "not-authorized", f"round {round_}")
        # SCRAM leaves nothing in memory, so the next round's logins are verified too.
        check_equal(_refusal(stage, "SCRAM-SHA-1", new), None, f"round {round_}")
        old = new


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_creating_what_is_there_changes_nothing(stage):
    """Whoever tries to register somebody's account does not keep him from logging in."""
    romeo = _authenticated(stage, "romeo")
    try:
        stage.server.control("user", "add", romeo.account.bare, text="another\n")
    except ServerFailed as failure:
        check("exists" in str(failure), str(failure))
    else:
        check(False, "created twice")
    romeo.bind()
