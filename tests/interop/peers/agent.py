"""Clients on libraries: small programs that take commands and tell events, a line each."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

from .peer import Peer

HERE = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"


class Agent(Peer):
    """A program with the arguments JID PASSWORD ADDRESS PORT."""

    def program(self):
        raise NotImplementedError

    def start(self):
        self._errors = open(self.folder / f"{self.name}-{self.account.user}.stderr", "a",
                            encoding="utf-8")
        self._process = subprocess.Popen(
            [*self.program(), self.account.bare, self.account.password, self.server.address,
             str(self.server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, text=True, env=self.environment())
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def environment(self):
        return dict(os.environ)

    def _read(self, process):
        for line in process.stdout:
            self.saw(*line.rstrip("\n").split("\t"))

    def _say(self, *words):
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()

    def presence(self):
        self._say("presence")

    def roster(self):
        self._say("roster")
        return self.wait("roster")[0]

    def subscribe(self, bare):
        self._say("subscribe", bare)

    def send(self, bare, text):
        self._say("send", bare, text)

    def again(self):
        self._say("again")

    def stop(self):
        if self._process.poll() is None:
            try:
                self._say("quit")
                self._process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        self._errors.close()


def _can_import(module):
    done = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    return None if done.returncode == 0 else f"python3-{module} is not installed"


class Slixmpp(Agent):
    name = "slixmpp"
    comes_back = "resumed"

    @classmethod
    def missing(cls):
        return _can_import("slixmpp")

    def program(self):
        return [PYTHON, str(HERE / "agents" / "slixmpp_agent.py")]


class Aioxmpp(Agent):
    name = "aioxmpp"
    comes_back = "resumed"

    @classmethod
    def missing(cls):
        return _can_import("aioxmpp")

    def program(self):
        return [PYTHON, str(HERE / "agents" / "aioxmpp_agent.py")]


class Strophe(Agent):
    name = "libstrophe"
    comes_back = "resumed"
    _binary = None

    @classmethod
    def missing(cls):
        if not Path("/usr/include/strophe.h").exists():
            return "libstrophe-dev is not installed"
        return None if shutil.which("cc") else "there is no C compiler"

    @classmethod
    def build(cls, folder):
        cls._binary = folder / "strophe_client"
        subprocess.run(["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-O1",
                        "-o", str(cls._binary), str(HERE / "strophe_client.c"), "-lstrophe"],
                       check=True)

    def program(self):
        return [str(self._binary)]


class XmppJs(Agent):
    name = "xmpp.js"
    comes_back = "resumed"
    _folder = HERE / "xmppjs"
    returns_with = "HT-SHA-256-NONE"

    @classmethod
    def missing(cls):
        return None if shutil.which("node") and shutil.which("npm") else "node is not installed"

    @classmethod
    def build(cls, folder):
        if not (cls._folder / "node_modules" / "@xmpp" / "client").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                           cwd=cls._folder, check=True, capture_output=True, timeout=300)

    def program(self):
        return ["node", str(self._folder / "agent.mjs")]

    def environment(self):
        # The server's certificate is self-signed.
        return os.environ | {"NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"}
