#!/usr/bin/env python3
"""The program `balcony` against Debian's Prosody and ejabberd.

    tests/interop/balcony_cli.py build/release/bin/balcony [prosody] [ejabberd]

Starts each server on loopback with a certificate of its own, registers accounts and runs every
command over STARTTLS (and direct TLS) with SCRAM. Ends with 0 when everything is as it should be,
77 when no server is installed. Standard library only; nothing is left behind.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scenario"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from cut_line import Proxy  # noqa: E402
from drivers.prosody import Prosody  # noqa: E402
from drivers.server import HOST, Server, ServerFailed, make_certificate  # noqa: E402

COMMAND_S = 20


class DirectProsody(Prosody):
    """The scenarios' Prosody, with a certificate for the port of direct TLS and more modules."""

    can_more = True  # blocking, vcards, carbons, an archive
    more_modules = ("smacks", "mam")

    def apply(self, settings):
        super().apply(settings)
        path = self.folder / "prosody.cfg.lua"
        certificate = (f'c2s_direct_tls_ssl = {{ certificate = "{self.folder}/{HOST}.crt", '
                       f'key = "{self.folder}/{HOST}.key" }}\n')
        path.write_text(certificate + path.read_text())


class Ejabberd(Server):
    name = "ejabberd"
    start_s = 90  # Erlang loads and checks its modules first
    can_more = False

    @staticmethod
    def folder_of_code():
        found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin"))
        return found[-1] if found else None

    def command(self):
        return ["erl", "-noinput", "-pa", str(self.folder_of_code()), "-start_epmd", "false",
                "-mnesia", "dir", f'"{self.folder}/mnesia"', "-s", "ejabberd"]

    def environment(self):
        return dict(os.environ, HOME=str(self.folder),
                    EJABBERD_CONFIG_PATH=str(self.folder / "ejabberd.yml"),
                    EJABBERD_LOG_PATH=str(self.folder / "ejabberd.log"),
                    SPOOL_DIR=str(self.folder / "mnesia"))

    def is_ready(self, line):
        return f"Start accepting TLS connections at 127.0.0.1:{self.tls_port}" in line

    def prepare(self):
        certificate, key = make_certificate(self.folder, HOST)
        (self.folder / "both.pem").write_text(certificate.read_text() + key.read_text())
        (self.folder / "ejabberd.yml").write_text(f"""
loglevel: info
hosts: [{HOST}]
certfiles: ["{self.folder}/both.pem"]
auth_method: internal
auth_password_format: scram
disable_sasl_mechanisms: [PLAIN, digest-md5, X-OAUTH2]
registration_timeout: infinity
listen:
  - {{ port: {self.port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true }}
  - {{ port: {self.tls_port}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true }}
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_version: {{}}
  mod_roster: {{}}
  mod_offline: {{}}
  mod_register: {{ access: all, ip_access: all, password_strength: 0 }}
""")


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


class Cli:
    """Runs `balcony` as one account of one server."""

    def __init__(self, binary, server, user, password):
        self.server = server
        self.jid = f"{user}@{HOST}"
        self.base = [binary, "-u", self.jid, "--ca", str(server.folder / f"{HOST}.crt"),
                     "--timeout", "10"]
        self.environment = dict(os.environ, BALCONY_PASSWORD=password)

    def run(self, *arguments, expect=0, port=None, stdin=None, ca=True):
        base = self.base if ca else self.base[:3] + self.base[5:]
        command = [*base, "--server", f"127.0.0.1:{port or self.server.port}", *arguments]
        done = subprocess.run(command, env=self.environment, input=stdin, capture_output=True,
                              text=True, timeout=COMMAND_S)
        check(done.returncode == expect,
              f"{' '.join(arguments)}: exit code {done.returncode} in place of {expect}\n"
              f"{done.stdout}{done.stderr}")
        return done

    def listen(self, count):
        """A `balcony listen` that is ready; its process."""
        process = subprocess.Popen(
            [*self.base, "--server", f"127.0.0.1:{self.server.port}", "--json", "listen",
             "--count", str(count)], env=self.environment, stdout=subprocess.PIPE, text=True)
        guard = threading.Timer(COMMAND_S, process.kill)
        guard.daemon = True
        guard.start()
        ready = json.loads(process.stdout.readline() or "{}")
        check(ready.get("kind") == "ready", "listen does not get ready")
        return process


def messages(cli, other):
    listener = other.listen(2)
    cli.run("send", other.jid, "Good <morning> & \u263a")
    cli.run("send", other.jid, "--subject", "news", "--type", "normal", stdin="from a pipe\n")
    lines = [json.loads(line) for line in listener.stdout]
    check(listener.wait(COMMAND_S) == 0, "listen --count does not end with 0")
    check([line.get("body") for line in lines] == ["Good <morning> & \u263a", "from a pipe"],
          f"other bodies came: {lines}")
    check(lines[0]["from"].startswith(cli.jid + "/") and lines[0]["type"] == "chat", "its sender")
    check(lines[1]["subject"] == "news" and lines[1]["type"] == "normal", "its subject")
    # Kept while nobody listens.
    cli.run("send", other.jid, "for later")
    later = other.listen(1)
    check(json.loads(later.stdout.readline())["body"] == "for later", "no message from offline")
    check(later.wait(COMMAND_S) == 0, "listen after offline")
    refused = cli.run("send", f"nobody@{HOST}/nowhere", "hello?", expect=1)
    check("service-unavailable" in refused.stderr, "no reason for the refused message")


def echo(cli, other):
    """The example of the library, where it is built."""
    bot = Path(cli.base[0]).parent / "example_echo_bot"
    if not bot.exists():
        return
    process = subprocess.Popen(
        [str(bot), other.jid, f"127.0.0.1:{cli.server.port}",
         str(cli.server.folder / f"{HOST}.crt")], env=other.environment, stderr=subprocess.DEVNULL)
    try:
        # One stream that asks and hears: what is said to a stream that has gone is anybody's.
        heard = cli.run("raw", "--wait", "3", stdin="<presence/><message type='chat' "
                        f"to='{other.jid}'><body>Who is there?</body></message>")
        check("Who is there?" in heard.stdout, f"the echo bot says nothing: {heard.stdout}")
    finally:
        process.terminate()
        process.wait(COMMAND_S)


def roster(cli, other):
    cli.run("roster", "add", other.jid, "--name", "Romeo M.", "--group", "Friends")
    item = json.loads(cli.run("--json", "roster").stdout)
    check((item["jid"], item["name"], item["groups"], item["ask"]) ==
          (other.jid, "Romeo M.", ["Friends"], True), f"another roster: {item}")
    check("Romeo M." in cli.run("roster").stdout, "the roster as text")
    cli.run("roster", "remove", other.jid)
    check(cli.run("roster").stdout == "", "the roster is not empty again")


def people(cli, other):
    """Presence, subscriptions, names, blocking, vcards."""
    cli.run("presence", "subscribe", other.jid)
    other.run("presence", "approve", cli.jid)
    cli.run("roster", "add", other.jid)
    cli.run("roster", "rename", other.jid, "Romeo the first")
    check("Romeo the first" in cli.run("roster", "list").stdout, "roster rename")
    there = subprocess.Popen([*other.base, "--server", f"127.0.0.1:{cli.server.port}", "presence",
                              "set", "--show", "away", "--status", "at lunch"],
                             env=other.environment, stderr=subprocess.PIPE, text=True)
    try:
        check("present as" in there.stderr.readline(), "presence set")
        # The echo bot's session may wait for a bot that does not come back.
        seen = [json.loads(line) for line in cli.run("--json", "presence").stdout.splitlines()]
        check(("away", "at lunch") in [(one.get("show"), one.get("status")) for one in seen],
              f"presence: {seen}")
    finally:
        there.terminate()
        check(there.wait(COMMAND_S) == 0, "presence set ends in order")
    cli.run("presence", "unsubscribe", other.jid)
    cli.run("roster", "remove", other.jid)
    cli.run("roster", "rename", other.jid, "x", expect=1)
    check("Prosody" in cli.run("version").stdout or cli.server.name != "prosody", "version")
    check(HOST in cli.run("disco", "--tree").stdout, "disco --tree")


def protection(cli, other):
    cli.run("block", other.jid, "spam.example")
    blocked = cli.run("block").stdout.split()
    check(sorted(blocked) == sorted([other.jid, "spam.example"]), f"blocked: {blocked}")
    cli.run("unblock", other.jid)
    check(cli.run("block").stdout.split() == ["spam.example"], "unblock")
    cli.run("unblock", "--all")
    check(cli.run("block").stdout == "", "unblock --all")
    cli.run("unblock", expect=2)
    cli.run("vcard", "set", "--name", "Juliet C.", "--email", "juliet@example.org")
    cli.run("vcard", "set", "--nick", "J")
    card = json.loads(other.run("--json", "vcard", cli.jid).stdout)
    check(card == {"name": "Juliet C.", "email": "juliet@example.org", "nick": "J"}, f"card: {card}")


def several(cli, other):
    listeners = [person.listen(1) for person in (other, cli)]
    cli.run("send", other.jid, "to both", "--to", cli.jid)
    for listener in listeners:
        check(json.loads(listener.stdout.readline())["body"] == "to both", "send to two")
        listener.wait(COMMAND_S)
    # One of two is refused: said, and the other has it.
    listener = other.listen(1)
    refused = cli.run("send", other.jid, "x", "--to", f"nobody@{HOST}/nowhere", expect=1)
    check("nobody" in refused.stderr, "which one was refused")
    check(listener.wait(COMMAND_S) == 0, "the other one")


def execution(cli, other):
    """listen --exec: the body on standard input, the rest in the environment, never evaluated."""
    out = cli.server.folder / "heard.txt"
    process = subprocess.Popen(
        [*other.base, "--server", f"127.0.0.1:{cli.server.port}", "listen", "--count", "1", "--exec",
         f'printf "%s: " "$BALCONY_FROM_BARE" > {out}; cat >> {out}'], env=other.environment,
        stderr=subprocess.PIPE, text=True)
    check("listening" in process.stderr.readline(), "listen --exec")
    cli.run("send", other.jid, "$(rm -rf /); `id`")
    check(process.wait(COMMAND_S) == 0, "listen --exec ends")
    check(out.read_text() == f"{cli.jid}: $(rm -rf /); `id`", f"--exec: {out.read_text()}")


def accounts(cli, other):
    """login, accounts, logout, passwd: contexts in a folder of their own."""
    home = cli.server.folder / "config"
    base = dict(os.environ, XDG_CONFIG_HOME=str(home))
    base.pop("BALCONY_PASSWORD", None)
    where = ["--server", f"127.0.0.1:{cli.server.port}", "--ca",
             str(cli.server.folder / f"{HOST}.crt")]

    def run_it(*arguments, expect=0, **environment):
        done = subprocess.run([cli.base[0], *arguments], env=dict(base, **environment),
                              capture_output=True, text=True, timeout=COMMAND_S,
                              stdin=subprocess.DEVNULL, start_new_session=True)
        check(done.returncode == expect, f"{arguments}: {done.returncode} {done.stderr}")
        return done

    secret = cli.environment["BALCONY_PASSWORD"]
    check("balcony login" in run_it("ping", expect=2).stderr, "no advice without an account")
    run_it("login", cli.jid, *where, expect=4, BALCONY_PASSWORD="wrong")
    check(not (home / "balcony" / "accounts.toml").exists(), "a failed login is stored")
    run_it("login", cli.jid, *where, BALCONY_PASSWORD=secret)
    run_it("login", other.jid, *where, "--password-command",
           f"echo '{other.environment['BALCONY_PASSWORD']}'")
    listed = run_it("accounts").stdout
    check(f"* {cli.jid}  password: file" in listed and f"{other.jid}  password: command" in listed,
          f"accounts: {listed}")
    kept = home / "balcony" / "secrets" / cli.jid
    check(kept.stat().st_mode & 0o777 == 0o600, "the secret's mode")
    run_it("ping")
    run_it("ping", "--account", other.jid.split("@")[0])
    run_it("ping", "--account", "nobody", expect=2)
    run_it("passwd", BALCONY_NEW_PASSWORD="a new secret")
    check(kept.read_text() == "a new secret\n", "passwd changes the stored secret")
    run_it("ping")
    run_it("passwd", BALCONY_NEW_PASSWORD=secret)
    kept.chmod(0o644)
    check("chmod 600" in run_it("ping", expect=2).stderr, "a secret that others can read")
    run_it("logout", cli.jid)
    check(not kept.exists() and cli.jid not in run_it("accounts").stdout, "logout")


def addresses(cli):
    shown = cli.run("jid", "explain", "JULIET@Example.ORG/Balcony").stdout
    check("address: juliet@example.org/Balcony" in shown and "case mapping" in shown, "jid explain")
    broken = json.loads(cli.run("jid", "explain", "--json", "a@b@c", expect=1).stdout)
    check(broken["error"].startswith("jid-"), f"jid explain: {broken}")
    for command in ("send", "listen", "chat", "raw", "roster", "presence", "block", "unblock",
                    "vcard", "ping", "disco", "version", "login", "accounts", "logout", "register",
                    "unregister", "passwd"):
        check("xample" in cli.run(command, "--help").stdout, f"{command} --help has no example")


def resumption(cli, other):
    """listen through a line that is cut: what is said meanwhile comes once."""
    proxy = Proxy(cli.server.port)
    try:
        base = [*other.base, "--server", f"127.0.0.1:{proxy.port}"]
        process = subprocess.Popen([*base, "--json", "listen", "--count", "2"],
                                   env=other.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        guard = threading.Timer(COMMAND_S, process.kill)
        guard.daemon = True
        guard.start()
        process.stdout.readline()
        cli.run("send", other.jid, "before")
        check(json.loads(process.stdout.readline())["body"] == "before", "before the cut")
        proxy.cut()
        check("lost" in process.stderr.readline(), "the loss is not told")
        cli.run("send", other.jid, "meanwhile")
        proxy.mend()
        check("nothing was lost" in process.stderr.readline(), "it is not resumed")
        check(json.loads(process.stdout.readline())["body"] == "meanwhile", "what came meanwhile")
        check(process.wait(COMMAND_S) == 0, "listen ends")
    finally:
        proxy.close()


def questions(cli):
    check("answered in" in cli.run("ping").stdout, "ping")
    check(json.loads(cli.run("ping", "--json").stdout)["to"] == HOST, "ping as JSON")
    info = json.loads(cli.run("disco", "--json").stdout)
    check("http://jabber.org/protocol/disco#info" in info["features"], "disco")
    check(any(i["category"] == "server" for i in info["identities"]), "identity of the server")
    cli.run("disco", "--items")
    raw = cli.run("raw", "--count", "1",
                  "<iq type='get' id='x7'><query xmlns='jabber:iq:roster'/></iq>")
    check("id='x7'" in raw.stdout and "jabber:iq:roster" in raw.stdout, "raw")
    piped = cli.run("raw", "--wait", "0.5", stdin="<presence/>")
    check("<presence" in piped.stdout, "raw from standard input")


def refusals(cli, stranger, server):
    wrong = Cli(cli.base[0], server, "juliet", "wrong")
    check("password" in wrong.run("ping", expect=4).stderr, "no advice for a wrong password")
    check("certificate" in cli.run("ping", expect=3, ca=False).stderr, "an unknown authority")
    check("warning" in cli.run("--insecure", "ping", ca=False).stderr, "no warning")
    cli.run("--tls", "none", "ping", expect=3)
    cli.run("ping", expect=3, port=1)
    cli.run("--tls", "direct", "ping", port=server.tls_port)
    cli.run("frobnicate", expect=2)
    stranger.run("register")
    stranger.run("ping")
    stranger.run("register", expect=1)
    stranger.run("unregister", "--yes", "somebody@else", expect=2)
    stranger.run("unregister", "--yes", stranger.jid)
    stranger.run("ping", expect=4)


def run(binary, kind):
    server = kind(settings={"registration": "open"})
    try:
        server.start()
        juliet, romeo, nurse = (Cli(binary, server, user, f"secret of {user}")
                                for user in ("juliet", "romeo", "nurse"))
        for cli in (juliet, romeo):
            cli.run("register")
        messages(juliet, romeo)
        echo(juliet, romeo)
        roster(juliet, romeo)
        people(juliet, romeo)
        several(juliet, romeo)
        execution(juliet, romeo)
        addresses(juliet)
        accounts(juliet, romeo)
        if kind.can_more:
            protection(juliet, romeo)
            resumption(juliet, romeo)
        questions(juliet)
        refusals(juliet, nurse, server)
        return True
    except (Failed, ServerFailed, subprocess.TimeoutExpired) as problem:
        # tools/ci finds failures by this form: the end of the server's log, then what went wrong.
        print(f"FAILED interop balcony {kind.name}")
        told = [*server.log_text().splitlines()[-20:], *str(problem).splitlines()]
        print("\n".join("    " + line for line in told))
        return False
    finally:
        server.stop()
        server.remove()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    available = {}
    if shutil.which("prosody"):
        available["prosody"] = DirectProsody
    if shutil.which("erl") and Ejabberd.folder_of_code():
        available["ejabberd"] = Ejabberd
    wanted = sys.argv[2:] or list(available)
    missing = [name for name in wanted if name not in available]
    if missing or not wanted:
        print(f"not installed: {', '.join(missing) or 'prosody, ejabberd'}", file=sys.stderr)
        return 77
    good = True
    for name in wanted:
        start = time.monotonic()
        passed = run(str(Path(sys.argv[1]).resolve()), available[name])
        print(f"{name}: {'ok' if passed else 'FAILED'} ({time.monotonic() - start:.0f} s)")
        good = good and passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
