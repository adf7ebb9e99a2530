"""The servers that bench/run compares: each in a temporary folder, on loopback, with accounts
u0 … at localhost that are made before it starts."""

import glob
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PASSWORD = "secret"
HOST = "localhost"
ITERATIONS = 10_000
START_S = 60


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def certificate(folder):
    """A self-signed certificate with its key: (path, path)."""
    chain, key = folder / "localhost.crt", folder / "localhost.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    return chain, key


class Server:
    """A server process. `variant` distinguishes configurations of one server."""

    name = "?"
    has_tls = True
    only_chat = False
    archive = False

    def __init__(self, tools, accounts):
        self.tools = tools
        self.accounts = accounts
        self.folder = Path(tempfile.mkdtemp(prefix=f"bench-{self.name.split()[0]}-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.process = None
        self.prepared = False

    @classmethod
    def missing(cls):
        """Why this server cannot run here, or None."""
        return None

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def version(self):
        return ""

    def start(self):
        if not self.prepared:
            self.prepare()
            self.prepared = True
        with open(self.folder / "output", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "output").read_text(errors="replace")
                raise RuntimeError(f"{self.name} does not start:\n{text[-3000:]}")
            time.sleep(0.1)

    def is_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Relay(Server):
    name = "relay"
    has_tls = False
    only_chat = True

    def command(self):
        return [str(self.tools / "bench_relay"), str(self.port)]


class Balcony(Server):
    name = "Balcony"
    shards = 1

    def version(self):
        return subprocess.run([self.tools / "balconyd", "--version"], capture_output=True,
                              text=True, check=True).stdout.strip()

    def prepare(self):
        data = self.folder / "data"
        subprocess.run([self.tools / "bench_accounts", data, HOST, str(self.accounts), PASSWORD],
                       check=True)
        # The rate limit would measure itself; everything comes from one address.
        (self.folder / "balcony.toml").write_text(
            f'data = "{data}"\nshards = {self.shards}\n[[listen]]\nkind = "c2s"\n'
            f'address = "127.0.0.1"\nport = {self.port}\n[hosts.localhost]\n'
            '[log]\nlevel = "warning"\n[auth]\nrequire_tls = false\n'
            f'[modules.archive]\nenabled = {str(self.archive).lower()}\n'
            '[limits]\nconnections_per_address = 0\nrate = 0\nrate_before_auth = 1000000\n')

    def command(self):
        return [str(self.tools / "balconyd"), "--config", str(self.folder / "balcony.toml")]


class BalconyTwo(Balcony):
    name = "Balcony (2 shards)"
    shards = 2


class BalconyKeeping(Balcony):
    """Durable to the disk, as it is without any configuration."""

    name = "Balcony (archive)"
    archive = True
    only_chat = True


class Prosody(Server):
    name = "Prosody"
    modules = ""

    @classmethod
    def missing(cls):
        return None if shutil.which("prosody") else "prosody is not installed"

    def version(self):
        text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "prosody"],
                              capture_output=True, text=True).stdout
        return f"Prosody {text}"

    def prepare(self):
        chain, key = certificate(self.folder)
        salt = "salt-for-the-benchmark"
        salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt.encode(), ITERATIONS)
        stored = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).hexdigest()
        server = hmac.digest(salted, b"Server Key", "sha1").hex()
        folder = self.folder / "data" / HOST / "accounts"
        folder.mkdir(parents=True)
        for i in range(self.accounts):
            (folder / f"u{i}.dat").write_text(
                f'return {{ iteration_count = {ITERATIONS}; salt = "{salt}"; '
                f'stored_key = "{stored}"; server_key = "{server}"; }};\n')
        (self.folder / "prosody.cfg.lua").write_text(
            f'run_as_root = true\ndaemonize = false\ndata_path = "{self.folder}/data"\n'
            f'pidfile = "{self.folder}/prosody.pid"\ninterfaces = {{ "127.0.0.1" }}\n'
            f'c2s_ports = {{ {self.port} }}\nc2s_direct_tls_ports = {{ }}\ns2s_ports = {{ }}\n'
            'modules_disabled = { "s2s" }\nmodules_enabled = { "roster", "saslauth", "tls", '
            f'"disco", "ping", "offline", "presence", "message", "iq"{self.modules} }}\n'
            'archive_expires_after = "never"\ndefault_archive_policy = true\n'
            'authentication = "internal_hashed"\nc2s_require_encryption = false\n'
            'allow_unencrypted_plain_auth = true\nlog = { { levels = { min = "warn" }, '
            f'to = "console" }} }}\nVirtualHost "{HOST}"\n'
            f'  ssl = {{ certificate = "{chain}", key = "{key}" }}\n')

    def command(self):
        return [shutil.which("prosody"), "--config", str(self.folder / "prosody.cfg.lua"), "-F"]


class ProsodyKeeping(Prosody):
    name = "Prosody (archive)"
    archive = True
    only_chat = True
    modules = ', "mam", "smacks"'


class Ejabberd(Server):
    name = "ejabberd"
    modules = ""

    @classmethod
    def missing(cls):
        there = shutil.which("erl") and glob.glob("/usr/lib/*/ejabberd-*/ebin")
        return None if there else "ejabberd is not installed"

    def version(self):
        text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ejabberd"],
                              capture_output=True, text=True).stdout
        return f"ejabberd {text}"

    def prepare(self):
        chain, key = certificate(self.folder)
        pem = self.folder / "both.pem"
        pem.write_text(key.read_text() + chain.read_text())
        (self.folder / "ejabberd.yml").write_text(
            f'hosts: ["{HOST}"]\nloglevel: error\ncertfiles: ["{pem}"]\n'
            'auth_method: internal\nauth_password_format: plain\n'
            f'listen:\n  - port: {self.port}\n    ip: "127.0.0.1"\n    module: ejabberd_c2s\n'
            '    access: c2s\n    starttls: true\n    starttls_required: false\n'
            'access_rules:\n  c2s: {allow: all}\n'
            'modules:\n  mod_disco: {}\n  mod_ping: {}\n  mod_roster: {}\n  mod_offline: {}\n'
            f'{self.modules}')

    def environment(self):
        library = Path(glob.glob("/usr/lib/*/ejabberd-*/ebin")[0]).parent.parent
        return os.environ | {"EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
                             "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
                             "ERL_LIBS": str(library), "ERL_CRASH_DUMP_SECONDS": "0"}

    def command(self):
        # exec'ed by the shell script `erl`: the process is the emulator itself.
        made = (f'{{ok, _}} = application:ensure_all_started(ejabberd), '
                f'[ok = ejabberd_auth:try_register(<<"u", (integer_to_binary(I))/binary>>, '
                f'<<"{HOST}">>, <<"{PASSWORD}">>) || I <- lists:seq(0, {self.accounts - 1}), '
                f'not ejabberd_auth:user_exists(<<"u", (integer_to_binary(I))/binary>>, '
                f'<<"{HOST}">>)], ok = file:write_file("{self.folder}/ready", "").')
        return ["erl", "-noinput", "+K", "true", "-mnesia", "dir", f'"{self.folder}/mnesia"',
                "-eval", made]

    def start(self):
        (self.folder / "ready").unlink(missing_ok=True)
        super().start()

    def is_ready(self):
        return (self.folder / "ready").exists()


class EjabberdKeeping(Ejabberd):
    name = "ejabberd (archive)"
    archive = True
    only_chat = True
    modules = "  mod_stream_mgmt: {}\n  mod_mam:\n    db_type: mnesia\n    default: always\n"


ALL = [Relay, Balcony, BalconyTwo, BalconyKeeping, Prosody, ProsodyKeeping, Ejabberd, EjabberdKeeping]
