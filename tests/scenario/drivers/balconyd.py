"""balconyd: everything that the scenarios assume about its configuration and commands is here."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from harness.authority import Authority
from harness.dns import NameServer
from harness.dnssec import Signer

from .server import Server, ServerFailed


def _toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (int, float)):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _toml_key(key):
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def to_toml(tree, path=()):
    """A dictionary as TOML; enough for configurations."""
    plain = [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in tree.items()
             if not isinstance(value, dict) and not _is_tables(value)]
    out = "".join(line + "\n" for line in plain)
    for key, value in tree.items():
        name = ".".join(_toml_key(part) for part in (*path, key))
        if isinstance(value, dict):
            # A table that holds tables only needs no line of its own.
            own = not value or any(not isinstance(inner, dict) for inner in value.values())
            out += (f"\n[{name}]\n" if own else "") + to_toml(value, (*path, key))
        elif _is_tables(value):
            out += "".join(f"\n[[{name}]]\n" + to_toml(item, (*path, key)) for item in value)
    return out


def _is_tables(value):
    return isinstance(value, list) and value and all(isinstance(item, dict) for item in value)


def merge(base, over):
    """`over` on top of `base`, table by table."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


class Balconyd(Server):
    name = "balconyd"
    has_tokens = True
    signer = None  # with `dnssec = true`: harness.dnssec.Signer of all below "example"

    # Settings of scenarios (README.md) -> where they stand in the configuration. A setting that
    # is not in this table is taken as part of the configuration as it is.
    _SETTINGS = {
        "auth_timeout_s": ("limits", "auth_timeout", lambda seconds: f"{seconds}s"),
        "stanza_bytes_max": ("limits", "stanza_bytes", None),
        "connections_per_address": ("limits", "connections_per_address", None),
        "registration": ("modules", "register", lambda value: {"open": value == "open"}),
        "contact_abuse": ("modules", "contact", lambda value: {"abuse": [value]}),
    }

    def command(self):
        return [self._tool("balconyd"), "--config", str(self.config)]

    def is_ready(self, line):
        return re.search(r"\bready\b", line) is not None

    def prepare(self):
        self.config = self.folder / "balcony.toml"
        (self.folder / "data").mkdir()
        if self.settings.get("federation"):
            self._make_world()
        self.apply(self.settings)
        self._import_accounts()

    def apply(self, settings):
        self.settings = settings
        data = self.folder / "data"
        base = {
            "data": str(data),
            "shards": self.shards,
            "control": str(data / "control.sock"),
            "listen": [
                {"kind": "c2s", "address": self.address, "port": self.port},
                {"kind": "c2s-tls", "address": self.address, "port": self.tls_port},
            ],
            "hosts": {self.host: {}, self.second_host: {}},
            "log": {"level": "debug"},
            # Many servers run at the same time; who wants the page asks for it.
            "metrics": {"enabled": False},
            # What is acknowledged is committed either way; the disk's pace is not under test.
            "storage": {"durability": "process"},
            # All scenarios come from one address, many at the same time.
            "limits": {"connections_per_address": 10000},
        }
        if "component" in settings:
            base["listen"].append({"kind": "component", "address": self.address,
                                   "port": self.component_port})
        if self.authority:
            base = merge(base, self._federation(base["listen"]))
        for key, value in settings.items():
            if key in ("federation", "dnssec"):
                continue
            if key in self._SETTINGS:
                table, name, convert = self._SETTINGS[key]
                base = merge(base, {table: {name: convert(value) if convert else value}})
            else:
                base = merge(base, {key: value})
        self.config.write_text(to_toml(base))
        tomllib.loads(self.config.read_text())

    def _make_world(self):
        """Name server and authority, unless this server shares those of another one."""
        self.authority = self.authority or Authority(self.folder / "authority")
        if self.settings.get("dnssec"):
            self.signer = Signer("example", self.folder)
        self.dns = self.dns or NameServer(self.signer)
        for host in (self.host, self.second_host):
            if not (self.authority.folder / f"{host}.crt").exists():
                self.authority.server(host, host)

    def _federation(self, listen):
        """Ports for other servers, and a world for them: DNS and certificates."""
        def host(name):
            return {"certificate": f"{self.authority.folder}/{name}.crt",
                    "key": f"{self.authority.folder}/{name}.key"}
        return {
            "listen": listen + [
                {"kind": "s2s", "address": self.address, "port": self.s2s_port},
                {"kind": "s2s-tls", "address": self.address, "port": self.s2s_tls_port},
            ],
            "hosts": {name: host(name) for name in (self.host, self.second_host)},
            "dns": {"forward_to": f"127.0.0.1@{self.dns.port}",
                    "trust_anchor_file": self.signer.anchor if self.signer else ""},
            "s2s": {"ca_file": self.authority.certificate},
        }

    def control_command(self, *arguments):
        return [self._tool("balconyctl"), "--config", str(self.config), *arguments]

    def control(self, *arguments, text=None):
        """Runs balconyctl; its output."""
        done = subprocess.run(self.control_command(*arguments), input=text, capture_output=True,
                              text=True, timeout=120)
        if done.returncode:
            raise ServerFailed(f"balconyctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _import_accounts(self):
        if not self.accounts:
            return
        table = self.folder / "accounts.tsv"
        table.write_text("".join(f"{a.bare}\t{a.password}\n" for a in self.accounts))
        self.control("user", "import", str(table))

    def _tool(self, name):
        """balconyctl stands beside balconyd."""
        if self.binary:
            return str(Path(self.binary).resolve().parent / name) if name != "balconyd" else str(
                Path(self.binary).resolve())
        found = shutil.which(name)
        if not found:
            raise ServerFailed(f"{name} is not in PATH; say --binary PATH/balconyd")
        return found
