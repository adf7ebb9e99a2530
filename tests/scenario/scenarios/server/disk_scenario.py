"""A disk that is full, or takes nothing: errors by name, no lie, no crash, and life afterwards."""

import os
import resource
import shutil
import subprocess
import time

from harness.errors import Failure, Skip, check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

ROSTER = "jabber:iq:roster"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NO_ROOM = {"internal-server-error", "resource-constraint"}
ONLY_OURS = {"prosody": "is not under test here"}


def _add(client, name):
    """Adds a contact with much of a name; the condition of the error, or ""."""
    answer = client.iq("set", f"<query xmlns='{ROSTER}'><item jid='{name}@localhost' "
                              f"name='{'x' * 1000}'/></query>")
    if answer.get("type") == "result":
        return ""
    return next(child.tag for child in answer.find(f"{{{CLIENT}}}error")
                if child.tag.startswith(f"{{{STANZAS}}}")).rpartition("}")[2]


def _contacts(client):
    return {i.get("jid").partition("@")[0]
            for i in client.iq("get", f"<query xmlns='{ROSTER}'/>")[0]}


def _until_refused(client, most, fill):
    """Adds contacts until one is refused; the names of those that were acknowledged."""
    kept = set()
    for n in range(most):
        fill()  # again: the server has given a reserve of its own back
        condition = _add(client, f"n{n}")
        if condition:
            check(condition in NO_ROOM, f"without room the error is {condition}")
            return kept
        kept.add(f"n{n}")
    raise Failure(f"{most} contacts were taken although there is no room")


def _recovers(client):
    deadline = time.monotonic() + 20
    while (condition := _add(client, "after")) and time.monotonic() < deadline:
        time.sleep(0.2)
    check_equal(condition, "", "the error after room was made")


def _no_room(stage, romeo, fill, make_room):
    """The story of both scenarios."""
    juliet = stage.client("juliet")
    juliet.login()
    kept = _until_refused(romeo, 900, fill)
    # Who asks for nothing that must be stored feels nothing; who leaves a message for somebody who
    # is not there is told.
    juliet.ping()
    juliet.send(f"<message to='{juliet.jid}' id='live' type='headline'><body>x</body></message>")
    check_equal(juliet.receive().get("id"), "live", "what is delivered at once")
    juliet.send(f"<message to='{stage.bare('nurse')}' type='chat' id='lost'>"
                f"<body>{'x' * 60000}</body></message>")
    check_equal(juliet.receive(10).get("type"), "error", "the answer to a message for later")
    check_equal(_contacts(romeo), kept, "the roster of a stream that was open")
    check(stage.server.alive(), "the server ended")
    make_room()
    _recovers(romeo)
    stage.restart()
    again = stage.client("romeo", "again")
    again.login()
    check_equal(_contacts(again), kept | {"after"}, "the roster after a restart")
    nurse = stage.client("nurse").online()
    check(not nurse.collect(), "a message was stored although its sender was told that it was not")


@scenario(users="romeo juliet nurse", fresh=True, differs=ONLY_OURS)
def scenario_file_size_limit(stage):
    """RFC 6120 §8.3.3: what cannot be stored is refused by name; it works again by itself."""
    romeo = stage.client("romeo")
    romeo.login()
    _, hard = resource.prlimit(stage.server.process.pid, resource.RLIMIT_FSIZE)

    def limit(size):
        resource.prlimit(stage.server.process.pid, resource.RLIMIT_FSIZE, (size, hard))
    data = stage.server.folder / "data"
    # Not the reserve: it is larger than what the contacts of this scenario may come to.
    largest = max(path.stat().st_size for path in data.iterdir()
                  if path.is_file() and path.suffix != ".reserve")
    _no_room(stage, romeo, lambda: limit(largest + 100_000), lambda: limit(hard))


class Disk:
    """A small file system over the server's data; only root can have one."""

    def __init__(self, server, size):
        self.folder = server.folder / "data"
        self._aside = server.folder / "aside"
        shutil.copytree(self.folder, self._aside, ignore=lambda _, names: [
            name for name in names if name.endswith(".sock")])
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs",
                               str(self.folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Skip(f"no file system can be mounted: {done.stderr.strip()}")
        shutil.copytree(self._aside, self.folder, dirs_exist_ok=True)

    def fill(self):
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for piece in (65536, 4096, 1):
                try:
                    while True:
                        ballast.write(b"x" * piece)
                except OSError:
                    pass

    def make_room(self):
        (self.folder / "ballast").unlink()

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True,
                       capture_output=True)

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


def _disk(stage, size="96m"):
    if os.geteuid() != 0:
        raise Skip("mounting a small file system needs root")
    stage.server.stop()
    return Disk(stage.server, size)


@scenario(users="romeo juliet nurse", fresh=True, differs=ONLY_OURS)
def scenario_full(stage):
    """RFC 6120 §8.3.3: a full disk costs nobody what was acknowledged, and heals by itself."""
    disk = _disk(stage)
    try:
        stage.start()
        romeo = stage.client("romeo")
        romeo.login()
        _no_room(stage, romeo, disk.fill, disk.make_room)
    finally:
        stage.server.stop()
        disk.unmount()


@scenario(users="romeo", fresh=True, differs=ONLY_OURS)
def scenario_read_only(stage):
    """A folder that cannot be written to is said at the start, with its name."""
    disk = _disk(stage)
    try:
        disk.remount("ro")
        process = subprocess.run(stage.server.command(), capture_output=True, text=True, timeout=20,
                                 check=False)
        check(process.returncode > 0, f"it ended with {process.returncode}")
        check(str(disk.folder) in process.stderr, f"it says only: {process.stderr}")
        disk.remount("rw")
        stage.start()
        stage.client("romeo").login()
    finally:
        stage.server.stop()
        disk.unmount()
