"""That a sync comes before the acknowledgement: the server under strace, and what it called.

A killed process leaves its writes to the kernel; only the order of calls shows what a power loss
would leave. Messages go over plain TCP, so that they can be read in the trace.
"""

import random
import re
import shutil
import subprocess
import time

import drivers
from book import Book
from harness import accounts
from sender import Sender

CALLS = "fdatasync,fsync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg"
BATCHES = 12
IDENTITY = re.compile(r"<body>romeo-1 (\d+)</body>")
TOLD = re.compile(r"<a [^>]*?\bh=\\?['\"](\d+)")
CALL = re.compile(r"^(\d+) +(?:(<\.\.\. )?(\w+)(?: resumed>|\())")


def _server(options, durability):
    server = drivers.driver("balconyd")(options.binary, options.shards, {
        "storage": {"durability": durability},
        "auth": {"require_tls": False},
        "log": {"level": "info"},
    })
    server.start_s = 60
    trace = server.folder / "trace"
    plain = server.command
    # -D: the server is our own child, not strace's.
    server.command = lambda: ["strace", "-D", "-f", "-qq", "-s", "100000", "-o", str(trace),
                              "-e", f"trace={CALLS}", *plain()]
    return server, trace


class One(Sender):
    """Messages only, each batch answered before the next, so that each is seen by itself."""

    def batches(self):
        for _ in range(BATCHES):
            for _ in range(self.random.randint(1, 5)):
                self.message()
            self.client.ask()
            deadline = time.monotonic() + 20
            while self.client.acknowledged < len(self.client.sent):
                self._listen(0.1)
                if self.client.eof or time.monotonic() > deadline:
                    return False
        return True


def _run(options, durability):
    """The trace's lines, and how many messages were sent."""
    server, trace = _server(options, durability)
    romeo = accounts.make("romeo", server.host, 1)
    nurse = accounts.make("nurse", server.host, 1)
    server.accounts = [romeo, nurse]
    try:
        server.start()
        sender = One(server, romeo, [nurse], Book(), random.Random(1))
        sender.begin()
        done = sender.batches()
        sender.client.close()
        server.stop()
        time.sleep(0.2)  # strace writes its last lines
        return (trace.read_text(errors="replace").splitlines() if done else []), sender.number
    finally:
        server.stop()
        server.remove()


def analyse(lines):
    """(acknowledgements that told of new messages, how many of these came without a sync between the
    arrival of the last of them and the sending)."""
    arrived = []  # the line at which each message was there, by its number - 1
    begun = {}    # thread -> the line at which its sync began
    syncs = []    # (first line, last line) of each sync that succeeded
    told = acknowledgements = early = 0
    for at, line in enumerate(lines):
        call = CALL.match(line)
        if not call:
            continue
        thread, resumed, name = call.groups()
        if name in ("fdatasync", "fsync"):
            if not resumed:
                begun[thread] = at
            if line.rstrip().endswith("= 0") and "unfinished" not in line:
                syncs.append((begun.pop(thread, at), at))
        elif name.startswith(("read", "recv")):
            arrived += [at] * len([n for n in IDENTITY.findall(line) if int(n) > len(arrived)])
        elif not resumed:
            for h in map(int, TOLD.findall(line)):
                # Only messages are counted here: there is no presence, no query.
                if h <= told:
                    continue
                told, acknowledgements = h, acknowledgements + 1
                last = arrived[h - 1] if h <= len(arrived) else len(lines)
                early += not any(first > last for first, _ in syncs)
    return acknowledgements, early


def _can_trace():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-D", "-qq", "-o", "/dev/null", "true"],
                          capture_output=True).returncode == 0


def check(options):
    """(passed, failed)."""
    if not _can_trace():
        print("skipped syncs: strace is not there or may not trace")
        return 0, 0
    lines, sent = _run(options, "disk")
    acknowledgements, early = analyse(lines)
    good = acknowledgements >= BATCHES and early == 0
    print(f"{'ok' if good else 'FAILED':7} syncs: {sent} messages, {acknowledgements} "
          f"acknowledgements, {early} of them before a sync")
    # That this test can fail: with durability = "process" nothing is synced.
    acknowledgements, early = analyse(_run(options, "process")[0])
    sees = acknowledgements >= BATCHES and early > acknowledgements // 2
    print(f"{'ok' if sees else 'FAILED':7} without syncs: {acknowledgements} acknowledgements, "
          f"{early} of them before a sync")
    return good + sees, 2 - good - sees
