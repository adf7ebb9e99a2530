"""What all drivers share: a temporary folder, ports, a process and its log."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from .ports import free_ports, give_back

HOST = "localhost"
SECOND_HOST = "capulet.example"  # a second host in every configuration, for SNI
START_S = 30
STOP_S = 15


class ServerFailed(Exception):
    """The server did not start, or died."""


class Server:
    """One server process on loopback. `settings` are those of a scenario's `config:`."""

    name = "?"
    has_tokens = False  # XEP-0388 and XEP-0484
    host = HOST
    second_host = SECOND_HOST
    address = "127.0.0.1"
    start_s = START_S  # how long it may take to be ready

    def __init__(self, binary=None, shards=2, settings=None):
        self.binary = binary
        self.shards = shards
        self.settings = settings or {}
        self.folder = Path(tempfile.mkdtemp(prefix=f"scenario-{self.name}-"))
        self._ports = free_ports(5)
        (self.port, self.tls_port, self.component_port, self.s2s_port,
         self.s2s_tls_port) = self._ports
        self.dns = None  # with `federation = true`: harness.dns.NameServer,
        self.authority = None  # and harness.authority.Authority
        self.accounts = []
        self.process = None
        self._log = []
        self._ready = threading.Event()
        self._reader = None

    # What a driver fills in.

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def prepare(self):
        """Writes the configuration and makes the accounts; called once, before the first start."""
        raise NotImplementedError

    def is_ready(self, line):
        """Whether this line of the log says that the server listens."""
        raise NotImplementedError

    def apply(self, settings):
        """Writes the configuration anew with other settings; a reload makes it effective."""
        raise NotImplementedError

    @classmethod
    def unsupported(cls, settings):
        """Why a scenario with these settings cannot run here, or None."""
        return None

    # What scenarios may do.

    def is_sanitized(self):
        """Whether a sanitizer looks after the server's memory."""
        maps = Path(f"/proc/{self.process.pid}/maps").read_text()
        program = Path(self.command()[0]).read_bytes()
        return "libasan" in maps or b"__tsan_init" in program or b"__asan_init" in program

    def start(self):
        if self.process is None and not self._log:
            self.prepare()
        self._ready.clear()
        self.process = subprocess.Popen(
            self.command(), env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
        self._reader.start()
        deadline = time.monotonic() + self.start_s
        while not self._ready.wait(0.05):
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended with {self.process.returncode}:\n"
                                   + self.log_text()[-4000:])
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} did not become ready:\n" + self.log_text()[-4000:])

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)

    def wait(self, seconds=STOP_S):
        """Waits for the process to end; its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def stop(self):
        """SIGTERM, and SIGKILL when that does not help; the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.wait()
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.wait()

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        if self.dns:
            self.dns.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self._ports)
        self._ports = []

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        return "".join(self._log)

    def _read_log(self, process):
        for line in process.stdout:
            self._log.append(line)
            if not self._ready.is_set() and self.is_ready(line):
                self._ready.set()


def make_certificate(folder, host):
    """A self-signed certificate for `host`; the paths of (certificate, key)."""
    certificate, key = folder / f"{host}.crt", folder / f"{host}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key
