"""docs/security.md 12: SCRAM keys that are renewed when the configuration asks for more."""

import base64
import hashlib
import hmac

from harness import sasl2
from harness.errors import check, check_equal
from harness.scram import Scram, encode
from harness.stage import scenario
from harness.xmltree import SASL

ONLY_OURS = {"prosody": "is not under test here"}
OLD_SALT = b"0123456789abcdef"


def _keys(digest, rounds, password=b"secret"):
    name = "sha" + digest.replace("-", "").removeprefix("SHA")
    salted = hashlib.pbkdf2_hmac(name, password, OLD_SALT, rounds)
    stored = hashlib.new(name, hmac.digest(salted, b"Client Key", name)).digest()
    server = hmac.digest(salted, b"Server Key", name)
    return (f"{{SCRAM-{digest}}}{rounds}:{encode(OLD_SALT)}:{encode(stored)}:{encode(server)}")


def _imported(stage, name, keys):
    """An account that comes from elsewhere with these keys; a maker of clients for it."""
    host = stage.server.host
    table = stage.server.folder / f"{name}.tsv"
    table.write_text(f"{name}@{host}\t{keys}\n")
    stage.server.control("user", "import", str(table))
    account = type(stage.account("romeo"))(name, name, host, "secret")

    def client(how):
        made = stage.client("romeo", name=f"{name} {how}")
        made.account = account
        sasl2.open_tls(made)
        return made
    return client


def _challenge(client, mechanism="SCRAM-SHA-1"):
    """A login; the salt and the iterations that were asked for."""
    exchange = Scram(mechanism, client.account.user, client.account.password)
    client.sasl_auth(mechanism, encode(exchange.first()))
    final = exchange.final(client.sasl_answer("challenge"))
    client.write(f"<response xmlns='{SASL}'>{encode(final)}</response>")
    client.sasl_answer("success")
    return exchange.salt, exchange.rounds


def _upgrades(client):
    return sorted(e.text for e in sasl2.offer(client).findall(f"{{{sasl2.UPGRADE}}}upgrade"))


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_renewed_with_the_password(stage):
    """PLAIN brings the password: too few iterations and missing hashes are made good at once."""
    client = _imported(stage, "old", _keys("SHA-1", 4096))
    check_equal(_challenge(client("before")), (OLD_SALT, 4096), "what was imported")
    wrong = client("wrong")
    wrong.write(sasl2.authenticate_text("PLAIN", "\0old\0not my secret"))
    check_equal(wrong.element().tag, f"{{{sasl2.SASL2}}}failure", "the answer")
    check_equal(_challenge(client("still")), (OLD_SALT, 4096), "a wrong password renews nothing")
    element = sasl2.plain(client("plain"), sasl2.user_agent() + sasl2.request_token())
    token = sasl2.token_of(element)
    salts = set()
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        salt, rounds = _challenge(client(mechanism), mechanism)
        check_equal((len(salt), rounds), (16, 10_000), f"salt and iterations of {mechanism}")
        salts.add(salt)
    check(len(salts) == 3 and OLD_SALT not in salts, "each hash has a fresh salt of its own")
    check_equal(_upgrades(client("offer")), [], "nothing is left to do")
    sasl2.token_login(client("token"), token)  # the password is the same: tokens stay
    sasl2.plain(client("plain again"))
    check_equal(_challenge(client("last"))[0] in salts, True, "good keys are not made anew")


@scenario(fresh=True, config="auth = {plain_cache = '0s'}", differs=ONLY_OURS)
def scenario_renewed_when_the_policy_changes(stage):
    """More iterations in the configuration count from the next login with a password on."""
    romeo = stage.client("romeo", name="first")
    sasl2.open_tls(romeo)
    check_equal(_challenge(romeo)[1], 10_000, "the iterations")
    stage.server.apply({**stage.server.settings,
                        "auth": {"plain_cache": "0s", "iterations": 12_345}})
    stage.server.control("reload")
    second = stage.client("romeo", name="second")
    sasl2.open_tls(second)
    check_equal(_upgrades(second), ["UPGR-SCRAM-SHA-1", "UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"],
                "the tasks")
    sasl2.plain(second)
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        again = stage.client("romeo", name=mechanism)
        sasl2.open_tls(again)
        check_equal(_challenge(again, mechanism)[1], 12_345, f"the iterations of {mechanism}")


@scenario(fresh=True, differs=ONLY_OURS)
def scenario_renewed_by_the_client(stage):
    """XEP-0480 §3: with SCRAM the server has no password; the client computes the keys."""
    client = _imported(stage, "old", _keys("SHA-1", 4096))
    old = client("old")
    check_equal(_upgrades(old), ["UPGR-SCRAM-SHA-1", "UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"],
                "the tasks")
    task = "UPGR-SCRAM-SHA-1"
    _, exchange = sasl2.scram(old, f"<upgrade xmlns='{sasl2.UPGRADE}'>{task}</upgrade>")
    data = sasl2.take(old, "continue").find(f"{{{sasl2.SASL2}}}additional-data").text
    exchange.verify(base64.b64decode(data).decode())
    old.write(f"<next xmlns='{sasl2.SASL2}' task='{task}'/>")
    salt = sasl2.take(old, "task-data").find(f"{{{sasl2.SCRAM_UPGRADE}}}salt")
    check_equal(salt.get("iterations"), "10000", "the iterations")
    digest = hashlib.pbkdf2_hmac("sha1", b"secret", base64.b64decode(salt.text), 10_000)
    old.write(f"<task-data xmlns='{sasl2.SASL2}'><hash xmlns='{sasl2.SCRAM_UPGRADE}'>"
              f"{encode(digest)}</hash></task-data>")
    sasl2.success(old)
    check_equal(_challenge(client("again")), (base64.b64decode(salt.text), 10_000), "the new keys")
    done = client("done")
    check_equal(_upgrades(done), ["UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"], "what is left")
    sasl2.scram(done, f"<upgrade xmlns='{sasl2.UPGRADE}'>{task}</upgrade>")
    sasl2.success(done)  # what needs no renewal is not asked for
