"""go-sendxmpp: one process listens, each message is sent by another one."""

import os
import re
import shutil
import subprocess
import threading

from .peer import Peer, PeerFailed

_LINE = re.compile(r"\d{4}-\S+Z? (\S+@\S+): (.*)")


class GoSendxmpp(Peer):
    name = "go-sendxmpp"
    has_roster = False
    may_use_plain = True  # some versions know no SCRAM

    @classmethod
    def missing(cls):
        return None if shutil.which("go-sendxmpp") else "go-sendxmpp is not installed"

    def _command(self, *more):
        return ["go-sendxmpp", "-n", "-u", self.account.bare, "-p", self.account.password,
                "-j", f"{self.server.address}:{self.server.port}", *more]

    def _environment(self):
        return os.environ | {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}

    def start(self):
        """The program says nothing when it is logged in; a debug line of its stream tells."""
        self._process = subprocess.Popen(
            self._command("-d", "-l"), env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1)
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process):
        log = open(self.folder / f"{self.name}-{self.account.user}.log", "a", encoding="utf-8")
        mechanism = "PLAIN"  # the debug output holds what came only: SCRAM has a challenge
        with log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if "<challenge" in line:
                    mechanism = "SCRAM"
                if found := re.search(r"<jid>([^<]+)</jid>", line):
                    self.saw("online", found[1], mechanism)
                if found := _LINE.match(line):
                    self.saw("message", found[1], found[2].strip(), "?")
                if "<failure" in line:
                    self.saw("failed", line.strip())
        self.saw("offline")

    def presence(self):
        """It sends presence by itself when it listens."""

    def send(self, bare, text):
        done = subprocess.run(self._command(bare), env=self._environment(), input=text + "\n",
                              capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise PeerFailed(f"go-sendxmpp ended with {done.returncode}: {done.stderr.strip()}")

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
