"""Servers of whole domains that find each other in a name server of the test's own, with
certificates of its own authority (proof "external") or signed by themselves ("dialback")."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

from cut_line import Proxy  # noqa: E402
from drivers.balconyd import Balconyd  # noqa: E402
from drivers.server import Server  # noqa: E402
from harness import accounts  # noqa: E402
from harness.authority import Authority  # noqa: E402
from harness.client import Client  # noqa: E402
from harness.connection import Transcript  # noqa: E402
from harness.dns import NameServer  # noqa: E402


class World:
    """DNS and certificates for a few servers. With `can_be_cut`, lines to ours can be cut."""

    def __init__(self, proof, is_plain=False, can_be_cut=True):
        self.proof = proof
        self.is_plain = is_plain
        self.can_be_cut = can_be_cut
        self.dns = NameServer()
        self.folder = Path(tempfile.mkdtemp(prefix="interop-servers-"))
        self.authority = Authority(self.folder / "authority")

    def add(self, kind, domain, user, **options):
        """A server of `kind` for `domain`, with one account; not yet started."""
        if self.proof == "external":
            self.authority.server(domain, domain)
        else:
            self.authority.self_signed(domain, domain)
        server = kind(self, domain, **options)
        server.accounts = [accounts.Account(user, user, domain, f"secret of {user}")]
        # What SRV names ejabberd asks the C library for, and that does not know our name server.
        target = "localhost" if self.is_plain else f"xmpp.{domain}"
        if self.can_be_cut and server.second_host:
            server.line = Proxy(server.s2s_port)
        port = server.line.port if server.line else server.s2s_port
        self.dns.srv(domain, target, port)
        self.dns.address(target, server.address)
        if server.second_host:
            self.dns.srv(server.second_host, target, port)
        return server

    def close(self):
        self.dns.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Federated:
    """What the servers below have in common."""

    second_host = ""  # a further domain that it serves
    line = None       # what others connect to, where that can be cut

    def join(self, world, domain):
        self.world = world
        self.host = domain
        self.dns, self.authority = world.dns, world.authority

    def certificate(self):
        return f"{self.authority.folder}/{self.host}.crt", f"{self.authority.folder}/{self.host}.key"

    def client(self, transcript=None):
        """A client of the one account."""
        return Client(self, self.accounts[0].user, self.accounts[0], None,
                      transcript or Transcript())

    def remove(self):
        if self.line:
            self.line.close()
        self.dns = None  # the world's
        super().remove()


class BalconydPeer(Federated, Balconyd):
    def __init__(self, world, domain, binary=None, shards=2, settings=None):
        Balconyd.__init__(self, binary, shards, {"federation": True, **(settings or {})})
        self.join(world, domain)
        self.second_host = f"second.{domain}"

    def proofs(self):
        """How each pair of the first hosts was proved, as the log has it."""
        return {line.partition("proof=")[2].split()[0] for line in self.log_text().splitlines()
                if "proof=" in line and "second." not in line}


_PROSODY = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ {s2s_port} }}
s2s_direct_tls_ports = {{ }}
authentication = "internal_plain"
modules_enabled = {{ "roster", "saslauth", "tls", "dialback", "disco", "ping", "version",
                     "presence", "message", "iq", "offline"{more} }}
s2s_secure_auth = {secure}
s2s_require_encryption = true
limits = {{ }}
unbound = {{ resolvconf = false; hoststxt = false; forward = "127.0.0.1@{dns}";
             options = {{ ["do-not-query-localhost:"] = "no" }} }}
ssl = {{ cafile = "{ca}" }}
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}
VirtualHost "{host}"
  ssl = {{ certificate = "{certificate}", key = "{key}", cafile = "{ca}" }}
"""


class ProsodyPeer(Federated, Server):
    name = "prosody"

    def __init__(self, world, domain, more=()):
        Server.__init__(self)
        self.join(world, domain)
        self.more = more
        self._missing = set()  # services that do not listen yet

    @staticmethod
    def version():
        found = shutil.which("prosody") and list(Path("/usr/lib").glob("*/lua/5.*/lunbound.so"))
        return _package("prosody") if found else None

    def command(self):
        return [shutil.which("prosody"), "--config", str(self.folder / "prosody.cfg.lua"), "-F"]

    def start(self):
        self._missing = {"c2s", "s2s"}
        super().start()

    def is_ready(self, line):
        self._missing -= {name for name in self._missing if f"Activated service '{name}'" in line}
        return not self._missing

    def prepare(self):
        certificate, key = self.certificate()
        for account in self.accounts:
            folder = self.folder / "data" / account.host.replace(".", "%2e") / "accounts"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{account.user}.dat").write_text(
                f'return {{ ["password"] = "{account.password}" }};\n')
        (self.folder / "prosody.cfg.lua").write_text(_PROSODY.format(
            folder=self.folder, port=self.port, s2s_port=self.s2s_port, dns=self.dns.port,
            secure="true" if self.world.proof == "external" else "false", host=self.host,
            more="".join(f', "{name}"' for name in self.more), certificate=certificate, key=key,
            ca=self.authority.certificate))


_EJABBERD = """
loglevel: debug
hosts: ["{host}"]
certfiles: ["{folder}/both.pem"]
ca_file: "{ca}"
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
s2s_use_starttls: required
s2s_dns_timeout: 5
s2s_timeout: 30
listen:
  - {{ port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls_required: true }}
  - {{ port: {s2s_port}, ip: "127.0.0.1", module: ejabberd_s2s_in }}
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_version: {{}}
  mod_roster: {{}}
  mod_offline: {{}}
  mod_stream_mgmt: {{}}
  mod_register: {{ access: all, ip_access: all, password_strength: 0 }}
"""


class EjabberdPeer(Federated, Server):
    name = "ejabberd"
    start_s = 90  # Erlang loads and checks its modules first

    def __init__(self, world, domain):
        Server.__init__(self)
        self.join(world, domain)

    @staticmethod
    def _code():
        found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin"))
        return found[-1] if found else None

    @classmethod
    def version(cls):
        return _package("ejabberd") if cls._code() and shutil.which("erl") else None

    def command(self):
        # Both, as -kernel takes the first file that it can read.
        return ["erl", "-noinput", "-pa", str(self._code()), "-start_epmd", "false", "-kernel",
                "inetrc", f'"{self.folder}/inetrc"', "-mnesia", "dir",
                f'"{self.folder}/mnesia"', "-s", "ejabberd"]

    def environment(self):
        return dict(os.environ, HOME=str(self.folder), ERL_INETRC=str(self.folder / "inetrc"),
                    EJABBERD_CONFIG_PATH=str(self.folder / "ejabberd.yml"),
                    EJABBERD_LOG_PATH=str(self.folder / "ejabberd.log"),
                    SPOOL_DIR=str(self.folder / "mnesia"))

    def is_ready(self, line):
        return f"Start accepting TCP connections at 127.0.0.1:{self.s2s_port}" in line

    def prepare(self):
        certificate, key = self.certificate()
        (self.folder / "both.pem").write_text(
            Path(certificate).read_text() + Path(key).read_text())
        # In this order: the name of another file makes Erlang forget the name servers.
        (self.folder / "inetrc").write_text(
            "{resolv_conf, \"\"}.\n{hosts_file, \"\"}.\n{lookup, [dns]}.\n"
            f"{{nameserver, {{127,0,0,1}}, {self.dns.port}}}.\n")
        more = "  mod_s2s_dialback: {}\n" if self.world.proof == "dialback" else ""
        (self.folder / "ejabberd.yml").write_text(_EJABBERD.format(
            host=self.host, folder=self.folder, ca=self.authority.certificate, port=self.port,
            s2s_port=self.s2s_port) + more)

    def start(self):
        super().start()
        # Each time: what Mnesia has not written when the process is killed, accounts too, is gone.
        for account in self.accounts:
            client = self.client()
            client.secure()
            client.iq("set", "<query xmlns='jabber:iq:register'>"
                      f"<username>{account.user}</username>"
                      f"<password>{account.password}</password></query>")
            client.close()


def _package(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                          text=True)
    return done.stdout or "?"
