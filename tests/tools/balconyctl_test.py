#!/usr/bin/python3
"""balconyd and balconyctl as an operator uses them: real processes, sockets and files.

balconyctl_test.py BIN_FOLDER
"""

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

BIN = Path()
PATIENCE_S = 60


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BALCONY_")}
    return {**clean, **more}


class Daemon:
    """balconyd; its log is read as it comes."""

    def __init__(self, *arguments, **more):
        self.log = []
        self.process = subprocess.Popen(
            [BIN / "balconyd", *arguments], env=environment(**more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.log.append(line)
                self._changed.notify_all()

    def wait_for(self, text, after=0):
        """Until a line holds `text`; the number of lines then."""
        def there():
            return any(text in line for line in self.log[after:])
        with self._changed:
            if not self._changed.wait_for(there, PATIENCE_S):
                raise AssertionError(f"no {text!r} in:\n{''.join(self.log)}")
            return len(self.log)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(5)
        self.process.stdout.close()
        return code


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="balconyctl-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.config = self.folder / "balcony.toml"
        self.write_config()

    def write_config(self, more="", hosts='[hosts."localhost"]\n'):
        self.config.write_text(
            f'data = "{self.folder}/data"\nshards = 2\n[[listen]]\naddress = "127.0.0.1"\n'
            f"port = 0\n{more}{hosts}")

    def start(self, **more):
        daemon = Daemon("--config", str(self.config), **more)
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.wait_for(" ready")
        return daemon

    def ctl(self, *arguments, text="", code=0, **more):
        done = subprocess.run(
            [BIN / "balconyctl", "--config", self.config, *arguments], input=text,
            env=environment(**more), capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def ctl_json(self, *arguments, **more):
        return json.loads(self.ctl("--json", *arguments, **more).stdout)

    def accounts(self):
        return [row["jid"] for row in self.ctl_json("user", "list")["rows"]]


class Accounts:
    """The same with and without a server."""

    def test_add_list_passwd_remove(self):
        done = self.ctl("user", "add", "Alice@localhost", text="secret\n")
        self.assertEqual(done.stdout, "added alice@localhost\n")
        made = self.ctl_json("user", "add", "bob@localhost", "--generate")
        self.assertGreaterEqual(len(made["result"]["password"]), 16)
        self.assertEqual(self.accounts(), ["alice@localhost", "bob@localhost"])
        self.ctl("user", "passwd", "bob@localhost", text="other\n")
        self.ctl("user", "remove", "alice@localhost")
        self.assertEqual(self.accounts(), ["bob@localhost"])

    def test_exit_codes(self):
        self.ctl("user", "add", "alice@localhost", text="secret\n")
        self.ctl("user", "add", "alice@localhost", text="secret\n", code=5)
        self.ctl("user", "add", "bob@localhost", text="", code=2)
        self.ctl("user", "add", "bob@other.example", text="secret\n", code=4)
        self.ctl("user", "add", "@localhost", text="secret\n", code=2)
        self.ctl("user", "remove", "nobody@localhost", code=4)
        refused = self.ctl_json("user", "passwd", "nobody@localhost", text="x\n", code=4)
        self.assertEqual(refused["error"]["code"], "item-not-found")

    def test_import(self):
        table = self.folder / "accounts.tsv"
        table.write_text("alice@localhost\tsecret\nnonsense\n\nbob@localhost\tsecret\n")
        done = self.ctl("user", "import", str(table), code=1)
        self.assertIn("2     a line is an address", done.stdout)
        self.assertIn("accounts imported: 2; lines that failed: 1", done.stderr)
        self.assertEqual(self.accounts(), ["alice@localhost", "bob@localhost"])
        more = "".join(f"user{i}@localhost\t{KEYS}\n" for i in range(2500))
        result = self.ctl_json("user", "import", "-", text=more)["result"]
        self.assertEqual(result, {"imported": 2500, "failed": 0})
        self.assertEqual(len(self.accounts()), 2502)
        self.ctl("user", "import", str(self.folder / "nothing"), code=4)

    def test_modules_are_explained(self):
        self.assertIn("XEP-0199", self.ctl("module", "explain", "ping").stdout)
        refused = self.ctl("module", "explain", "pong", code=4)
        self.assertIn("did you mean ping?", refused.stderr)


class WithoutServer(Accounts, Case):
    def test_commands_that_need_a_server_say_so(self):
        for command in (["status"], ["session", "list"], ["reload"], ["stop"]):
            done = self.ctl(*command, code=3)
            self.assertIn("no server can be reached", done.stderr)

    def test_accounts_in_memory_are_out_of_reach(self):
        self.write_config('[storage]\nbackend = "memory"\n')
        self.ctl("user", "list", code=3)

    def test_a_wrong_configuration_is_told_whole(self):
        self.write_config("prot = 1\n[log]\nlevel = 'loud'\n")
        done = self.ctl("user", "list", code=2)
        self.assertIn('unknown key "prot" in [[listen]]; did you mean "port"?', done.stderr)
        self.assertIn("log.level must be", done.stderr)

    def test_usage(self):
        self.ctl(code=2)
        done = self.ctl("sesion", "list", code=2)
        self.assertIn('Did you mean "session"?', done.stderr)
        self.ctl("user", "add", code=2)
        self.assertIn("Exit codes", self.ctl("--help").stdout)
        self.assertIn("--generate", self.ctl("user", "add", "--help").stdout)

    def test_a_terminal_is_asked_twice_and_shows_nothing(self):
        shown = self.on_a_terminal("secret\nsecret\n")
        self.assertIn("added alice@localhost", shown)
        self.assertNotIn("secret", shown)
        self.assertIn("the two passwords differ", self.on_a_terminal("one\ntwo\n"))

    def on_a_terminal(self, typed):
        """What a person sees who types this, each line after a prompt."""
        process, terminal = pty.fork()
        if process == 0:
            os.execve(BIN / "balconyctl", ["balconyctl", "--config", str(self.config), "user",
                                           "add", "alice@localhost"], environment())
        shown = b""
        lines = typed.splitlines(keepends=True)
        while True:
            try:
                some = os.read(terminal, 1000)
            except OSError:  # how a terminal says that nobody is left
                break
            if not some:
                break
            shown += some
            if shown.endswith(b": ") and lines:
                os.write(terminal, lines.pop(0).encode())
        os.waitpid(process, 0)
        os.close(terminal)
        return shown.decode()


class WithServer(Accounts, Case):
    def setUp(self):
        super().setUp()
        self.daemon = self.start()

    def test_status_and_sessions(self):
        status = self.ctl_json("status")["result"]
        self.assertEqual(status["hosts"], ["localhost"])
        self.assertEqual(status["shards"], 2)
        self.assertIn("c2s", self.ctl("status").stdout)
        self.assertEqual(self.ctl_json("session", "list")["result"], {"sessions": 0})
        self.ctl("session", "kick", "alice@localhost", code=4)

    def test_a_second_server_is_refused(self):
        second = Daemon("--config", str(self.config))
        self.assertEqual(second.process.wait(PATIENCE_S), 1)
        second.stop()
        self.assertIn("another process works on the data folder", "".join(second.log))
        self.ctl("status")

    def test_reload(self):
        self.write_config(hosts='[hosts."localhost"]\n[hosts."b.example"]\n')
        self.ctl("reload")
        self.ctl("user", "add", "alice@b.example", text="secret\n")
        self.assertEqual(self.ctl_json("status")["result"]["hosts"], ["b.example", "localhost"])

    def test_a_wrong_reload_changes_nothing(self):
        self.write_config("prot = 1\n[log]\nlevel = 'loud'\n")
        done = self.ctl("reload", code=2)
        self.assertIn("unknown key", done.stderr)
        self.assertIn("log.level must be", done.stderr)
        seen = self.daemon.wait_for("configuration refused")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_for("log.level must be", seen)
        self.ctl("status")

    def test_what_cannot_change_is_refused_by_name(self):
        self.write_config("")
        text = self.config.read_text()
        self.config.write_text(text.replace("shards = 2", "shards = 3"))
        self.assertIn("shards cannot change", self.ctl("reload", code=2).stderr)

    def test_hangup_reloads(self):
        self.write_config("[log]\nlevel = 'debug'\n")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_for("reloaded")

    def test_it_ends_in_order(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse((self.folder / "data" / "control.sock").exists())
        self.assertIn("stopped", self.daemon.log[-1])
        self.ctl("status", code=3)

    def test_stop(self):
        self.ctl("stop")
        self.assertEqual(self.daemon.process.wait(PATIENCE_S), 0)

    def test_it_may_be_killed_and_started_again(self):
        self.ctl("user", "add", "alice@localhost", text="secret\n")
        self.daemon.stop(signal.SIGKILL)
        self.daemon = self.start()
        self.assertEqual(self.accounts(), ["alice@localhost"])


class Program(Case):
    def run_daemon(self, *arguments, code=0, **more):
        done = subprocess.run([BIN / "balconyd", *arguments], env=environment(**more),
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_check_config(self):
        done = self.run_daemon("--config", self.config, "--check-config")
        self.assertIn("good. Hosts: localhost", done.stdout)
        self.write_config("prot = 1\nadress = 2\n")
        done = self.run_daemon("--check-config", code=2, BALCONY_CONFIG=str(self.config))
        self.assertIn("2 problems", done.stderr)
        self.assertIn(f"{self.config}:6:1: unknown key", done.stderr)
        self.run_daemon("--config", self.folder / "nothing", "--check-config", code=2)

    def test_flags_beat_the_environment(self):
        daemon = Daemon("--config", str(self.config), "--log-level", "debug",
                        BALCONY_LOG_LEVEL="loud")
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.wait_for(" ready")

    def test_the_service_manager_is_told(self):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(PATIENCE_S)
        manager.bind(str(self.folder / "notify"))
        daemon = self.start(NOTIFY_SOCKET=str(self.folder / "notify"))
        self.assertEqual(manager.recv(100), b"READY=1")
        daemon.stop()
        self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_the_log_file_is_opened_anew(self):
        log = self.folder / "log"
        self.write_config(f"[log]\nfile = '{log}'\n")
        daemon = Daemon("--config", str(self.config))
        self.addCleanup(daemon.stop, signal.SIGKILL)
        self.wait_until(lambda: log.exists() and " ready" in log.read_text())
        log.rename(self.folder / "old")
        daemon.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: log.exists() and "reloaded" in log.read_text())

    def wait_until(self, condition):
        for _ in range(PATIENCE_S * 20):
            if condition():
                return
            threading.Event().wait(0.05)
        self.fail("it did not come")

    def test_demo(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        if port > 64_000:
            self.skipTest("the system gave a port without neighbours")
        daemon = Daemon("--demo", "--port", str(port), "--log-level", "info")
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.wait_for(" ready")
        text = "".join(daemon.log)
        control = text.split("--control ")[1].split()[0]
        done = subprocess.run([BIN / "balconyctl", "--control", control, "--json", "user", "list"],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        self.assertEqual([row["jid"] for row in json.loads(done.stdout)["rows"]],
                         ["alice@localhost", "bob@localhost"])
        self.assertNotIn(f":{port} ", text)
        self.assertEqual(daemon.stop(signal.SIGINT), 0)
        self.assertFalse(Path(control).parent.exists())

    def test_demo_keeps_what_it_is_told_to(self):
        passwords = []
        for _ in range(2):
            daemon = Daemon("--demo", "--data", str(self.folder / "demo"), "--port", "25222",
                            "--log-level", "info")
            self.addCleanup(daemon.stop, signal.SIGKILL)
            daemon.wait_for(" ready")
            passwords.append([line for line in daemon.log if " password " in line])
            daemon.stop()
        self.assertEqual(len(passwords[0]), 2)
        self.assertEqual(passwords[0], passwords[1])


# SCRAM keys as another server would export them.
KEYS = ("{SCRAM-SHA-1}4096:QSXCR+Q6sek8bf92:6dlGYMOdZcOPutkcNY8U2g7vK9Y=:"
        "D+CSWLOshSulAsxiupA+qs2/fTE=")

if __name__ == "__main__":
    BIN = Path(sys.argv.pop(1)).resolve()
    unittest.main()
