"""XEP-0484: coming back with a token in one round trip, and everything that must not work."""

import os
import re
import subprocess
import time
from pathlib import Path

from harness import binding, sasl2
from harness.client import SaslFailure
from harness.errors import Failure, Skip, check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

PROSODY = {"prosody": "0.12 has no SASL2"}
ASK = sasl2.user_agent() + sasl2.request_token()


def _online(stage, user="romeo", name=None):
    client = stage.client(user, name=name)
    sasl2.open_tls(client)
    return client


def _token(stage, inside=ASK, user="romeo"):
    """A token of romeo for the client AGENT."""
    client = _online(stage, user, "asking")
    token = sasl2.token_of(sasl2.plain(client, inside))
    check(token and len(token) >= 43, "a token of 32 bytes")
    client.close()
    return token


def _refused(client, condition="not-authorized"):
    try:
        sasl2.take(client, "success")
    except SaslFailure as failure:
        check_equal(failure.condition, condition, "the condition")
        return
    raise Failure(f"expected <{condition}/>")


def _try(stage, token, attributes="", condition="not-authorized", agent=sasl2.AGENT, **more):
    client = _online(stage, name="trying")
    client.write(sasl2.token_text(client, token,
                                  sasl2.user_agent(agent) + sasl2.fast(attributes), **more))
    _refused(client, condition)
    client.close()


@scenario(differs=PROSODY)
def scenario_one_round_trip(stage):
    """§1: after TLS one write and one answer: header, login, resource, stream management."""
    token = _token(stage)
    romeo = stage.client("romeo")
    romeo.connect_tcp(direct_tls=True)
    romeo.reset()
    inside = (sasl2.user_agent() + sasl2.fast("count='1'")
              + sasl2.bind(f"<enable xmlns='{sasl2.SM}' resume='true'/>"))
    romeo.write(f"<stream:stream from='{stage.bare('romeo')}' to='{romeo.host}' version='1.0' "
                f"xmlns='{CLIENT}' xmlns:stream='http://etherx.jabber.org/streams'>"
                + sasl2.token_text(romeo, token, inside))
    writes = [line for line in romeo.transcript.show() if " >> " in line and "trying" not in line]
    romeo.features = romeo.element()
    element = sasl2.success(romeo)
    check_equal(len([line for line in romeo.transcript.show()
                     if " >> " in line and "trying" not in line]), len(writes), "writes")
    check(romeo.jid.startswith(stage.bare("romeo") + "/scenario/"), "the resource")
    check(element.find(f"{{{sasl2.BIND2}}}bound/{{{sasl2.SM}}}enabled") is not None, "<enabled/>")
    romeo.ping()


@scenario(differs=PROSODY)
def scenario_again_and_again(stage):
    """§3.4: a token is good for many logins; the server proves that it knows it."""
    token = _token(stage)
    for _ in range(3):
        romeo = _online(stage)
        element = sasl2.token_login(romeo, token, inside=sasl2.bind())
        check(sasl2.token_of(element) is None, "no new token on the first day")
        romeo.ping()


@scenario(differs=PROSODY)
def scenario_bound_to_the_connection(stage):
    """§6: tokens with channel binding, which are worth nothing anywhere else."""
    kinds = {"ENDP": "tls-server-end-point"}
    if binding.can_export():
        kinds["EXPR"] = "tls-exporter"
    for suffix, kind in kinds.items():
        for digest in ("256", "512"):
            mechanism = f"HT-SHA-{digest}-{suffix}"
            token = _token(stage, sasl2.user_agent() + sasl2.request_token(mechanism))
            romeo = _online(stage)
            check(mechanism in sasl2.token_mechanisms(romeo), f"{mechanism} is offered")
            sasl2.token_login(romeo, token, mechanism=mechanism,
                              binding=romeo.channel_binding(kind), inside=sasl2.bind())
            romeo.ping()
            romeo.close()
            _try(stage, token, mechanism=mechanism, binding=b"of somebody in between")
            # §3.4: not with another mechanism than the one that it was asked for.
            _try(stage, token, mechanism="HT-SHA-256-NONE")


@scenario(differs=PROSODY)
def scenario_forged_and_foreign(stage):
    """§5.1: only this account, this client and this token."""
    token = _token(stage)
    _try(stage, "a token that nobody was given")
    _try(stage, token, agent=sasl2.OTHER_AGENT)
    _try(stage, token, user=stage.account("juliet").user)
    _try(stage, token, user="nobody-at-all")
    _try(stage, token[:-1])
    romeo = _online(stage)
    sasl2.token_login(romeo, token, inside=sasl2.bind())
    romeo.ping()


@scenario(differs=PROSODY)
def scenario_requests_that_are_none(stage):
    """§3.4, §4.1: without <fast/>, without a client's id, with a count that is none."""
    token = _token(stage)
    for inside in (sasl2.user_agent(), sasl2.fast(), sasl2.user_agent() + sasl2.fast("count='0'"),
                   sasl2.user_agent() + sasl2.fast("count='x'")):
        romeo = _online(stage)
        romeo.write(sasl2.token_text(romeo, token, inside))
        _refused(romeo, "malformed-request")
        sasl2.plain(romeo, sasl2.bind())
        romeo.close()
    romeo = _online(stage)
    # Tokens are no mechanism of the old profile.
    romeo.sasl_auth("HT-SHA-256-NONE", "AAAA")
    try:
        romeo.sasl_answer("success")
        raise Failure("HT in the old profile")
    except SaslFailure as failure:
        check_equal(failure.condition, "invalid-mechanism", "the condition")


@scenario(differs=PROSODY)
def scenario_a_count_is_spent_once(stage):
    """§3.4: a login that is sent again is refused."""
    token = _token(stage)
    sasl2.token_login(_online(stage), token, "count='3'")
    for spent in (1, 2, 3):
        _try(stage, token, f"count='{spent}'")
    sasl2.token_login(_online(stage), token, "count='4'")


@scenario(differs=PROSODY)
def scenario_a_new_token_replaces_the_old_one_by_its_use(stage):
    """§3.5: the old one is valid until the new one was used."""
    old = _token(stage)
    sasl2.token_login(_online(stage), old)
    new = _token(stage)
    check(new != old, "two tokens are one")
    sasl2.token_login(_online(stage), old)
    sasl2.token_login(_online(stage), new)
    _try(stage, old)
    sasl2.token_login(_online(stage), new)


@scenario(differs=PROSODY)
def scenario_invalidated(stage):
    """§3.6: the client throws its token away; it may ask for another in the same step."""
    token = _token(stage)
    element = sasl2.token_login(_online(stage), token, "invalidate='true'")
    check(sasl2.token_of(element) is None, "no new token")
    _try(stage, token)
    second = _token(stage)
    element = sasl2.token_login(_online(stage), second, "invalidate='1'",
                                inside=sasl2.request_token())
    third = sasl2.token_of(element)
    check(third, "a token that was asked for")
    _try(stage, second)
    sasl2.token_login(_online(stage), third)


@scenario(fresh=True, differs=PROSODY)
def scenario_password_change_and_operator_revoke(stage):
    """A new password ends every token, and so does balconyctl."""
    token = _token(stage)
    romeo = stage.client("romeo", "old")
    romeo.login()
    answer = romeo.iq("set", "<query xmlns='jabber:iq:register'>"
                      f"<username>{romeo.account.user}</username><password>new</password></query>",
                      romeo.host)
    check_equal(answer.get("type"), "result", "the change of the password")
    _try(stage, token)
    juliet = _token(stage, user="juliet")
    listed = stage.server.control("user", "tokens", stage.bare("juliet"))
    check(sasl2.AGENT in listed and "scenario" in listed, listed)
    check(juliet not in listed, "the token itself is shown")
    stage.server.control("user", "revoke-tokens", stage.bare("juliet"))
    client = _online(stage, "juliet")
    client.write(sasl2.token_text(client, juliet, sasl2.user_agent() + sasl2.fast()))
    _refused(client)
    sasl2.plain(client, sasl2.bind())


@scenario(fresh=True, differs=PROSODY)
def scenario_tokens_survive_a_restart(stage):
    """They are kept with the account."""
    token = _token(stage)
    stage.restart()
    sasl2.token_login(_online(stage), token, inside=sasl2.bind())


@scenario(config='auth.token_lifetime = "2s"', differs=PROSODY)
def scenario_expired(stage):
    """§4.2: too old a token is refused by its own condition; the password still works."""
    token = _token(stage)
    time.sleep(3)
    _try(stage, token, condition="credentials-expired")
    _try(stage, "forged", condition="not-authorized")
    sasl2.plain(_online(stage), sasl2.bind())


@scenario(config='auth.token_lifetime = "0s"', differs=PROSODY)
def scenario_not_offered(stage):
    """A server without tokens offers none and gives none."""
    romeo = _online(stage)
    check_equal(sasl2.token_mechanisms(romeo), [], "the token mechanisms")
    check(sasl2.token_of(sasl2.plain(romeo, ASK)) is None, "no token")
    _try(stage, "any", condition="invalid-mechanism")


@scenario(config="auth.tokens_per_account = 2", differs=PROSODY)
def scenario_clients_are_bounded(stage):
    """docs/security.md 21: the token that would end first makes room."""
    agents = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]
    tokens = []
    for agent in agents:
        tokens.append(_token(stage, sasl2.user_agent(agent) + sasl2.request_token()))
        time.sleep(1.1)  # ends are written in whole seconds
    _try(stage, tokens[0], agent=agents[0])
    for agent, token in list(zip(agents, tokens))[1:]:
        sasl2.token_login(_online(stage), token, agent=agent)


class _Program:
    """`balcony` with a configuration folder of its own."""

    def __init__(self, stage):
        self.stage = stage
        self.account = stage.account("romeo")
        self.folder = stage.server.folder / "config"

    def run(self, *arguments, password=None):
        server = self.stage.server
        certificate = server.folder / "data" / "certificates" / f"{server.host}.crt"
        environment = dict(os.environ, XDG_CONFIG_HOME=str(self.folder))
        environment.pop("BALCONY_JID", None)
        environment.pop("BALCONY_PASSWORD", None)
        if password is not None:
            environment["BALCONY_PASSWORD"] = password
        done = subprocess.run(
            [str(Path(server.binary).resolve().parent / "balcony"), "--ca", str(certificate),
             "--server", f"{server.address}:{server.port}", *arguments], env=environment,
            capture_output=True, text=True, timeout=30)
        check(done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def mechanisms(self):
        """Of its logins so far, as the server's log has them."""
        lines = self.stage.server.log_text().splitlines()
        return [re.search(r"mechanism=(\S+)", line)[1] for line in lines
                if " logged in " in line and f"jid={self.account.bare}" in line]

    def tokens(self):
        return sorted(p for p in self.folder.glob("balcony/tokens/*/*") if p.suffix != ".lock")


@scenario(fresh=True, differs=PROSODY)
def scenario_the_command_line_keeps_its_token(stage):
    """`balcony` logs in with its token from the second command on; in one round trip."""
    if not (Path(stage.server.binary or "").resolve().parent / "balcony").exists():
        raise Skip("balcony is not built")
    program = _Program(stage)
    program.run("login", program.account.bare, password=program.account.password)
    program.run("ping")
    check_equal(len(program.tokens()), 1, "tokens")
    check_equal(program.tokens()[0].stat().st_mode & 0o777, 0o600, "the file's mode")
    program.run("send", stage.bare("juliet"), "one")
    program.run("send", stage.bare("juliet"), "two")
    used = program.mechanisms()
    check(used[0].startswith("SCRAM-") and used[1].startswith("SCRAM-"), f"first of {used}")
    check(all(m.startswith("HT-SHA-") for m in used[2:]) and len(used) == 4, f"last of {used}")
    # One that the server takes no more: the password does, and there is a new one.
    before = program.tokens()[0].read_text()
    stage.server.control("user", "revoke-tokens", program.account.bare)
    program.run("ping")
    check(program.mechanisms()[-1].startswith("SCRAM-"), "the way back to the password")
    after = program.tokens()[0].read_text()
    check(after != before and len(after.splitlines()) == 4, "a new token")
    program.run("ping")
    check(program.mechanisms()[-1].startswith("HT-SHA-"), "the new token")
    program.run("logout", program.account.bare)
    check_equal(program.tokens(), [], "what logout leaves")
