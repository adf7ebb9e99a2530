"""Two servers of a kind that talk to each other, for `bench/run --only s2s`: two domains that find each
other in a name server of the bench's own, with TLS and certificates of its own authority.

The servers are those of tests/interop/federated.py, without their debug logs and with clients that
need no TLS: what is measured lies between the servers.
"""

import subprocess
import sys
from pathlib import Path

from servers import PASSWORD  # before tests/interop, which has a file of this name too

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/interop"), str(ROOT / "tests/scenario")]

from federated import BalconydPeer, EjabberdPeer, ProsodyPeer, World  # noqa: E402
from harness.accounts import Account  # noqa: E402

DOMAINS = ("near.example", "far.example")
SETTINGS = {
    "log": {"level": "info"},
    "auth": {"require_tls": False},
    "modules": {"archive": {"enabled": False}},
    "storage": {"durability": "disk"},
    # Rate limits would measure themselves.
    "s2s": {"rate": 0},
    "limits": {"connections_per_address": 0, "rate": 0, "rate_before_auth": 1_000_000},
}


def rewrite(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        if old not in text:
            raise RuntimeError(f"{path} has no {old}")
        text = text.replace(old, new)
    path.write_text(text)


class BalconyNear(BalconydPeer):
    shown = "Balcony"

    def __init__(self, world, domain, binary=None):
        super().__init__(world, domain, binary, shards=1, settings=SETTINGS)

    @staticmethod
    def is_here():
        return True


class Foreign:
    """What Debian's servers have in common: they are in their place, if they are here."""

    def __init__(self, world, domain, binary=None):
        del binary
        super().__init__(world, domain)

    @classmethod
    def is_here(cls):
        return cls.version() is not None


class ProsodyNear(Foreign, ProsodyPeer):
    shown = "Prosody"

    def prepare(self):
        super().prepare()
        rewrite(self.folder / "prosody.cfg.lua", ('min = "debug"', 'min = "info"'),
                ("limits = {", 'c2s_require_encryption = false\n'
                 'allow_unencrypted_plain_auth = true\nlimits = {'))


class EjabberdNear(Foreign, EjabberdPeer):
    shown = "ejabberd"

    def prepare(self):
        super().prepare()
        rewrite(self.folder / "ejabberd.yml", ("loglevel: debug", "loglevel: info"),
                ("starttls_required: true", "starttls: true"))


KINDS = (BalconyNear, ProsodyNear, EjabberdNear)


class Pair:
    """Two servers of one kind in a world of their own, each with accounts u0, u1 …"""

    def __init__(self, kind, tools, accounts):
        self.name = kind.shown
        # What is measured is the servers: no line between them that a test could cut.
        self.world = World("external", is_plain=kind is EjabberdNear, can_be_cut=False)
        self.servers = [self.world.add(kind, domain, "u0", binary=str(tools / "balconyd"))
                        for domain in DOMAINS]
        for server in self.servers:
            server.accounts = [Account(f"u{i}", f"u{i}", server.host, PASSWORD)
                               for i in range(accounts)]

    def version(self):
        if self.name != "Balcony":
            return f"{self.name} {self.servers[0].version()}"
        return subprocess.run([*self.servers[0].command()[:1], "--version"], capture_output=True,
                              text=True, check=True).stdout.strip()

    def start(self):
        for server in self.servers:
            server.start()

    def near(self):
        """What balcony_bench is told for load inside of one of them."""
        near = self.servers[0]
        return ["--port", near.port, "--pid", near.process.pid, "--users", f"u%d@{near.host}",
                "--password", PASSWORD]

    def both(self):
        """And for load between them: every second user is at the far one."""
        far = self.servers[1]
        return [*self.near(), "--far-port", far.port, "--far-pid", far.process.pid, "--far-users",
                f"u%d@{far.host}"]

    def remove(self):
        for server in self.servers:
            server.stop()
            server.remove()
        self.world.close()


def pairs(tools, wanted, accounts):
    """Those that are installed and wanted, by name; not started."""
    return [Pair(kind, tools, accounts) for kind in KINDS if kind.shown in wanted and kind.is_here()]
