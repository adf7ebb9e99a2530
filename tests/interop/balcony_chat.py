#!/usr/bin/env python3
"""`balcony chat` as a person sees it: under tmux, with a real server.

    tests/interop/balcony_chat.py build/release/bin/balcony [balconyd] [prosody]

Types keys and reads the screen. The connection passes through a proxy that can be cut, so that the
chat has to come back and resume its session. Ends with 0 when everything is as it should be, 77
when tmux or the server is missing. Standard library only; nothing is left behind.
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
from drivers.balconyd import Balconyd  # noqa: E402
from drivers.prosody import Prosody  # noqa: E402
from drivers.server import HOST, ServerFailed  # noqa: E402

WAIT_S = 15
PASSWORD = "under the balcony"


class Failed(Exception):
    pass


class FullProsody(Prosody):
    """With what a chat client likes: stream management, carbons, an archive, client state."""

    more_modules = ("smacks", "mam")


class Account:
    def __init__(self, user):
        self.user, self.host, self.password = user, HOST, PASSWORD
        self.bare = f"{user}@{HOST}"


class Terminal:
    """`balcony chat` in a tmux of its own."""

    def __init__(self, folder, command, environment, columns=90, rows=24):
        self.tmux = ["tmux", "-u", "-S", str(folder / "tmux.sock"), "-f", "/dev/null"]
        for name, value in environment.items():
            command = ["env", f"{name}={value}", *command] if command[0] != "env" else [
                "env", f"{name}={value}", *command[1:]]
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                        *command], check=True, env=dict(os.environ, LC_ALL="C.UTF-8"))

    def text(self):
        done = subprocess.run([*self.tmux, "capture-pane", "-p"], capture_output=True, text=True)
        return done.stdout

    def keys(self, *keys):
        subprocess.run([*self.tmux, "send-keys", *keys], check=True)

    def type(self, text, enter=True):
        subprocess.run([*self.tmux, "send-keys", "-l", text], check=True)
        if enter:
            self.keys("Enter")

    def resize(self, columns, rows):
        subprocess.run([*self.tmux, "resize-window", "-x", str(columns), "-y", str(rows)], check=True)

    def shows(self, *wanted, without=()):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            text = self.text()
            if all(one in text for one in wanted) and not any(one in text for one in without):
                return text
            time.sleep(0.1)
        raise Failed(f"the screen does not show {wanted} without {without}:\n{self.text()}")

    def ended(self):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            done = subprocess.run([*self.tmux, "has-session"], capture_output=True)
            if done.returncode:
                return True
            time.sleep(0.1)
        return False

    def kill(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)


class Person:
    """Runs `balcony` as one stored account."""

    def __init__(self, binary, server, ca, user, port=None):
        self.binary = binary
        self.jid = f"{user}@{HOST}"
        self.environment = dict(os.environ, XDG_CONFIG_HOME=str(server.folder / user))
        self.environment.pop("BALCONY_PASSWORD", None)
        done = subprocess.run(
            [binary, "login", self.jid, "--server", f"127.0.0.1:{port or server.port}", "--ca", ca],
            env=dict(self.environment, BALCONY_PASSWORD=PASSWORD), capture_output=True, text=True,
            timeout=WAIT_S)
        if done.returncode:
            raise Failed(f"login of {user}: {done.stderr}")

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=WAIT_S)
        if done.returncode:
            raise Failed(f"balcony {arguments}: {done.stderr}")
        return done.stdout

    def listen(self, *arguments):
        process = subprocess.Popen([self.binary, "--json", "listen", *arguments],
                                   env=self.environment, stdout=subprocess.PIPE, text=True)
        guard = threading.Timer(4 * WAIT_S, process.kill)
        guard.daemon = True
        guard.start()
        json.loads(process.stdout.readline())
        return process


def talk(terminal, juliet, romeo):
    """Roster, a conversation, unread counts, wide characters."""
    terminal.shows("/help helps", "Romeo M.", "connected")
    terminal.type("/help")
    terminal.shows("/quit", without=("/msg WHO",))
    terminal.keys("PPage")
    terminal.shows("/msg WHO [TEXT]", "Page Down for what is new")
    terminal.keys("NPage")
    terminal.shows("/quit", without=("Page Down for what is new",))
    juliet_hears = romeo.listen("--count", "2")
    terminal.type(f"/msg {romeo.jid} Good night 你好 é")
    terminal.shows("me: Good night 你好 é")
    terminal.type("one more line that is so long that it does not fit into what is left of the "
                  "screen beside the list and has to be broken")
    bodies = [json.loads(line)["body"] for line in juliet_hears.stdout]
    if bodies[0] != "Good night 你好 é" or not bodies[1].endswith("has to be broken"):
        raise Failed(f"other bodies came: {bodies}")
    terminal.shows("to be broken")
    romeo.run("send", juliet.jid, "Who is there?")
    terminal.shows("Romeo M.: Who is there?")
    # Elsewhere: it is counted.
    terminal.type("/msg nurse@localhost")
    terminal.shows("nurse@localhost")
    romeo.run("send", juliet.jid, "Second question")
    terminal.shows("Romeo M. (1)", "1 unread")
    terminal.keys("Tab")
    terminal.shows("Romeo M.: Second question", without=("unread",))
    terminal.type("/nonsense")
    terminal.shows("there is no command /nonsense")
    terminal.type("half a line", enter=False)
    terminal.keys("C-u")
    terminal.shows(without=("half a line",))


def typing(terminal, juliet, romeo):
    """Somebody who tells that he is typing (XEP-0085)."""
    state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
    romeo.run("raw", "--wait", "0.5", f"<message to='{juliet.jid}' type='chat'>{state}</message>")
    terminal.shows("is typing…")
    romeo.run("send", juliet.jid, "typed")
    terminal.shows("Romeo M.: typed", without=("is typing…",))


def elsewhere(terminal, juliet, romeo):
    """What another client of the account sends is shown (XEP-0280)."""
    hears = romeo.listen("--count", "1")
    juliet.run("send", romeo.jid, "sent from elsewhere")
    terminal.shows("me: sent from elsewhere")
    hears.wait(WAIT_S)


def sizes(terminal):
    terminal.resize(40, 12)
    terminal.shows("typed", without=("│",))
    terminal.resize(100, 30)
    terminal.shows("│", "Second question")


def loss(terminal, proxy, juliet, romeo, resumes):
    """The line is cut; what is said meanwhile comes, on both sides."""
    hears = romeo.listen("--count", "1")
    proxy.cut()
    terminal.shows("no connection")
    terminal.type("said without a line")
    terminal.shows("said without a line (waits)")
    romeo.run("send", juliet.jid, "said into the void")
    proxy.mend()
    terminal.shows("connected again, " + ("nothing was lost" if resumes else "in a new session"),
                   "Romeo M.: said into the void", without=("(waits)",))
    if json.loads(hears.stdout.readline())["body"] != "said without a line":
        raise Failed("what waited for the line did not come")
    if resumes:
        terminal.shows("said without a line ✓")


def history(terminal):
    terminal.type("/close")
    terminal.type("/msg romeo")
    terminal.type("/history 50")
    terminal.shows("me: Good night 你好 é", "Romeo M.: Who is there?")


def chat(binary, server, has):
    """`has`: what the server can do."""
    server.accounts = [Account(user) for user in ("juliet", "romeo", "nurse")]
    server.start()
    ca = str(server.folder / f"{HOST}.crt")
    if server.name == "balconyd":
        ca = str(server.folder / "data" / "certificates" / f"{HOST}.crt")
    proxy = Proxy(server.port)
    juliet = Person(binary, server, ca, "juliet", proxy.port)
    romeo = Person(binary, server, ca, "romeo")
    juliet.run("roster", "add", romeo.jid, "--name", "Romeo M.")
    terminal = Terminal(server.folder, [binary, "chat"],
                        {"XDG_CONFIG_HOME": juliet.environment["XDG_CONFIG_HOME"]})
    try:
        talk(terminal, juliet, romeo)
        typing(terminal, juliet, romeo)
        if "carbons" in has:
            elsewhere(terminal, juliet, romeo)
        sizes(terminal)
        loss(terminal, proxy, juliet, romeo, "resumption" in has)
        if "archive" in has:
            history(terminal)
        terminal.type("/quit")
        if not terminal.ended():
            raise Failed("/quit does not end it:\n" + terminal.text())
    finally:
        terminal.kill()
        proxy.close()


def run(binary, server, has):
    try:
        chat(binary, server, has)
        return True
    except (Failed, ServerFailed, subprocess.TimeoutExpired) as problem:
        # tools/ci finds failures by this form: the end of the server's log, then what went wrong.
        print(f"FAILED interop balcony chat {server.name}")
        told = [*server.log_text().splitlines()[-20:], *str(problem).splitlines()]
        print("\n".join("    " + line for line in told))
        return False
    finally:
        server.stop()
        server.remove()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = Path(sys.argv[1]).resolve()
    beside = binary.parent / "balconyd"
    wanted = sys.argv[2:] or ["balconyd", "prosody"]
    if not shutil.which("tmux"):
        print("not installed: tmux", file=sys.stderr)
        return 77
    good, ran = True, False
    for name in wanted:
        if name == "prosody" and shutil.which("prosody"):
            server, has = FullProsody(), ("resumption", "archive", "carbons")
        elif name == "balconyd" and beside.exists():
            server, has = Balconyd(binary=str(beside)), balconyd_has(beside)
        else:
            print(f"not there: {name}", file=sys.stderr)
            continue
        ran = True
        start = time.monotonic()
        passed = run(str(binary), server, has)
        print(f"chat with {name}: {'ok' if passed else 'FAILED'} ({time.monotonic() - start:.0f} s)")
        good = good and passed
    return (0 if good else 1) if ran else 77


def balconyd_has(binary):
    """What this tree's server can do already, by its own word."""
    done = subprocess.run([str(binary.parent / "balconyctl"), "module", "list"], capture_output=True,
                          text=True)
    modules = {"archive": "XEP-0313", "carbons": "XEP-0280"}
    return ["resumption", *(what for what, xep in modules.items() if xep in done.stdout)]


if __name__ == "__main__":
    sys.exit(main())
