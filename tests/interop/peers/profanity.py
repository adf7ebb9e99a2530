"""profanity, typed into by tmux; what it sees is read from its log."""

import itertools
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

from .peer import Peer

_RECEIVED = re.compile(r"RECV: (<(?:message|presence|iq)[ />].*)$", re.DOTALL)
_MECHANISM = re.compile(r"SENT: <auth[^>]*mechanism=['\"]([A-Z0-9-]+)['\"]")
_LINE_START = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d: |\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_numbers = itertools.count(1)
CLIENT = "{jabber:client}"


class Profanity(Peer):
    name = "profanity"
    comes_back = "anew"

    @classmethod
    def missing(cls):
        for tool in ("profanity", "tmux"):
            if not shutil.which(tool):
                return f"{tool} is not installed"
        return None

    def start(self):
        self._home = self.folder / f"profanity-{next(_numbers)}"
        self._home.mkdir()
        self._log = self._home / "profanity.log"
        self._log.touch()
        self._tmux = f"interop-{self.account.user}-{self._home.name}"
        environment = [f"XDG_CONFIG_HOME={self._home}/config", f"XDG_DATA_HOME={self._home}/data",
                       f"HOME={self._home}", "TERM=screen-256color", "LC_ALL=C.UTF-8"]
        self._run("new-session", "-d", "-x", "160", "-y", "50",
                  "env " + " ".join(environment) + f" profanity -l DEBUG -f {self._log}")
        self._stopped = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()
        self._wait_for_screen("Profanity")
        self._type("/reconnect 1")
        self._type(f"/connect {self.account.bare} server {self.server.address} "
                   f"port {self.server.port} tls trust")
        self._wait_for_screen("password")
        self._type(self.account.password)

    def _run(self, *words):
        # A server of tmux for each client: nobody else's sessions are touched.
        return subprocess.run(["tmux", "-L", self._tmux, "-f", "/dev/null", *words],
                              capture_output=True, text=True, check=False, timeout=10).stdout

    def _type(self, text):
        self._run("send-keys", "-l", text)
        self._run("send-keys", "Enter")
        time.sleep(0.3)

    def screen(self):
        return self._run("capture-pane", "-p")

    def _wait_for_screen(self, text, seconds=15):
        deadline = time.monotonic() + seconds
        while text not in self.screen():
            if time.monotonic() > deadline:
                self.saw("failed", f"'{text}' is not on the screen:", self.screen().strip()[-300:])
                return
            time.sleep(0.1)

    def _follow(self):
        """Reads the log as it grows; entries may have several lines."""
        entry = ""
        with open(self._log, encoding="utf-8", errors="replace") as log:
            while not self._stopped.is_set():
                line = log.readline()
                if not line:
                    self._take(entry)
                    entry = ""
                    time.sleep(0.05)
                elif _LINE_START.match(line):
                    self._take(entry)
                    entry = line
                else:
                    entry += line

    _mechanism = "?"

    def _take(self, entry):
        if found := _MECHANISM.search(entry):
            self._mechanism = found[1]
        if not (found := _RECEIVED.search(entry)):
            return
        try:
            stanza = ET.fromstring(found[1].strip().replace(
                " ", " xmlns='jabber:client' ", 1) if "xmlns=\"jabber:client\"" not in found[1]
                else found[1].strip())
        except ET.ParseError:
            return
        self._stanza(stanza)

    def _stanza(self, stanza):
        sender, kind = stanza.get("from", ""), stanza.get("type")
        if stanza.tag == f"{CLIENT}message" and stanza.findtext(f"{CLIENT}body"):
            delayed = stanza.find("{urn:xmpp:delay}delay") is not None
            self.saw("message", sender, stanza.findtext(f"{CLIENT}body"), str(int(delayed)))
        elif stanza.tag == f"{CLIENT}presence" and kind == "subscribe":
            self._type(f"/sub allow {sender}")
        elif stanza.tag == f"{CLIENT}presence":
            self.saw("presence", sender, kind or "available")
        elif stanza.tag == f"{CLIENT}iq" and kind == "result":
            query = stanza.find("{jabber:iq:roster}query")
            if query is not None:
                self.saw("online", stanza.get("to", self.account.bare), self._mechanism)
                self.saw("roster", " ".join(f"{i.get('jid')}={i.get('subscription')}" for i in query))

    def presence(self):
        """It sends presence by itself after the login."""

    def roster(self):
        """It asks for the roster by itself after the login."""
        return self.wait("roster")[0]

    def subscribe(self, bare):
        self._type(f"/sub request {bare}")

    def send(self, bare, text):
        self._type(f"/msg {bare} {text}")

    def stop(self):
        self._type("/quit")
        time.sleep(0.3)
        self._stopped.set()
        self._run("kill-server")
