"""What an operator sees of other servers: streams, queues, and why something failed."""

import json
import time

from harness.errors import check, check_equal
from harness.federation import Remote
from harness.stage import scenario

CONFIG = "federation = true"
MONTAGUE = "montague.example"


def _rows(stage, *arguments):
    return json.loads(stage.server.control("s2s", *arguments, "--json"))["rows"]


def _logged(stage, *words):
    """Waits for a line of the log with all these words."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in stage.server.log_text().splitlines():
            if all(word in line for word in words):
                return
        time.sleep(0.05)
    check(False, f"no line of the log has {words}")


@scenario(config=CONFIG)
def scenario_streams(stage):
    """balconyctl s2s: list, show with how a domain was proved, close; the next stanza opens anew."""
    romeo, montague = stage.client("romeo").online(), Remote(stage, MONTAGUE)
    romeo.send(f"<message to='juliet@{MONTAGUE}' id='m1'><body>Hi</body></message>")
    montague.stanza()
    incoming = montague.connect().secure().external()
    shown = {(row["domain"], row["direction"]) for row in _rows(stage, "list")}
    check({(MONTAGUE, "in"), (MONTAGUE, "out")} <= shown, f"the list: {shown}")
    rows = {row["direction"]: row for row in _rows(stage, "show", MONTAGUE)}
    host = stage.server.host
    check_equal(rows["in"]["receives"], f"{MONTAGUE} -> {host}: external", "what comes in")
    check_equal(rows["out"]["sends"], f"{host} -> {MONTAGUE}: external", "what goes out")
    check("TLSv1.3" in rows["out"]["tls"], f"TLS: {rows['out']['tls']}")
    stage.server.control("s2s", "close", MONTAGUE)
    incoming.closed()
    romeo.send(f"<message to='juliet@{MONTAGUE}' id='m2'><body>Hi</body></message>")
    check_equal(montague.stanza().get("id"), "m2", "the next message")
    check_equal(len(montague.streams), 2, "streams")


@scenario(config=CONFIG)
def scenario_failures(stage):
    """A domain that cannot be reached is shown with the reason, and when it is tried again."""
    romeo = stage.client("romeo").online()
    Remote(stage, "dead.example").close()
    for domain in ("dead.example", "nobody.example"):
        romeo.send(f"<message to='juliet@{domain}'><body>Hi</body></message>")
        romeo.receive(10)
    failures = {row["domain"]: row["failure"] for row in _rows(stage, "list")}
    check("refused" in failures["dead.example"].lower(), f"dead: {failures}")
    check("not in DNS" in failures["nobody.example"], f"nobody: {failures}")
    _logged(stage, "server not reached", "remote=dead.example", "refused")
    _logged(stage, "server not reached", "remote=nobody.example", "not in DNS")


@scenario(config=CONFIG)
def scenario_certificates_in_the_log(stage):
    """Expired, self-signed, of a stranger, for another name, revoked: each has its own line."""
    authority = stage.server.authority
    authority.server("revoked", "revoked.example")
    authority.revoke("revoked")
    stage.server.apply({**stage.server.settings, "s2s": {"crl_file": authority.revocations()}})
    stage.server.control("reload")
    for name, certificate, wanted in (
            ("expired", authority.server("expired", "expired.example", expired=True), "expired"),
            ("self", authority.self_signed("self", "self.example"), "self-signed"),
            ("wrong", authority.server("wrong", "other.example"), "wrong-name"),
            ("revoked", (f"{authority.folder}/revoked.crt", f"{authority.folder}/revoked.key"),
             "revoked")):
        remote = Remote(stage, f"{name}.example", certificate)
        check(not remote.connect().secure().offers_external(), f"EXTERNAL for {name}")
        _logged(stage, "certificate", f"remote={name}.example", wanted)
