"""Peers who mean harm: crowds, guessers, and those who never read."""

import os
import re
import resource
import socket
import time

from harness.client import SaslFailure
from harness.errors import Failure, Skip, Timeout, check
from harness.stage import scenario

HEADER = (b"<stream:stream to='localhost' xmlns='jabber:client' version='1.0' "
          b"xmlns:stream='http://etherx.jabber.org/streams'>")
CROWD = int(os.environ.get("BALCONY_CROWD", "1000"))
PER_ADDRESS = 500


def _room_for(pid, count):
    """Lets process `pid` (0: this one) have `count` descriptors, where it may."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise Skip(f"{count} descriptors are more than the system allows")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))


def _connect(stage, source):
    connection = socket.socket()
    connection.settimeout(10)
    connection.bind((source, 0))
    connection.connect((stage.server.address, stage.server.port))
    return connection


def _refused(connection):
    """Whether the server ends a new connection at once."""
    try:
        connection.sendall(HEADER)
        connection.settimeout(2)
        return connection.recv(4096) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def _descriptors(stage):
    return len(os.listdir(f"/proc/{stage.server.process.pid}/fd"))


@scenario(config=f"connections_per_address = {PER_ADDRESS}",
          differs={"prosody": "has no such limit"})
def scenario_crowd(stage):
    """RFC 6120 §13.12: a thousand strangers from several addresses, who never log in.

    BALCONY_CROWD=5000 makes it five thousand.
    """
    _room_for(0, CROWD + 500)
    _room_for(stage.server.process.pid, CROWD + 500)
    romeo = stage.client("romeo")
    romeo.login()
    before = _descriptors(stage)
    crowd = []
    try:
        for n in range(CROWD):
            crowd.append(_connect(stage, f"127.0.0.{2 + n // PER_ADDRESS}"))
            if n % 3:  # some say nothing, some begin a stream
                crowd[-1].sendall(HEADER)
        with _connect(stage, "127.0.0.2") as extra:
            check(_refused(extra), "an address has more connections than it may")
        began = time.monotonic()
        romeo.ping()
        stage.client("juliet").login()
        took = time.monotonic() - began
        check(took < 3, f"a ping and a login took {took:.1f} s beside the crowd")
    finally:
        for connection in crowd:
            connection.close()
    deadline = time.monotonic() + 20
    while _descriptors(stage) > before + 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    check(_descriptors(stage) <= before + 5, "descriptors are not given back")
    with _connect(stage, "127.0.0.2") as again:
        check(not _refused(again), "the address stays refused")


def _memory(stage):
    """What the server's process holds, in KiB, once it has stopped changing."""
    last = 0
    for _ in range(40):
        status = open(f"/proc/{stage.server.process.pid}/status").read()
        now = int(re.search(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)[1])
        if abs(now - last) < 64:
            break
        last = now
        time.sleep(0.25)
    return now


def _one_crowd(stage, strangers, members, name):
    """Comes, says something, and goes, half of it without a word."""
    connections = []
    for n in range(strangers):
        connections.append(_connect(stage, f"127.0.0.{2 + n // PER_ADDRESS}"))
        if n % 3:
            connections[-1].sendall(HEADER)
    clients = []
    for n in range(members):
        client = stage.client("romeo" if n % 2 else "juliet", name=f"{name} {n}")
        client.login()
        client.write("<presence/>")
        clients.append(client)
    for connection in connections:
        connection.close()
    for n, client in enumerate(clients):
        if n % 4:
            client.disconnect()
        else:
            client.drop()
    deadline = time.monotonic() + 20
    while "sessions: 0" not in stage.server.control("session", "list"):
        check(time.monotonic() < deadline, "sessions stay behind")
        time.sleep(0.1)


@scenario(fresh=True, config=f"""connections_per_address = {PER_ADDRESS}
stream_management = {{resume_timeout = '0s'}}""", differs={"prosody": "is not under test here"})
def scenario_memory_after_a_crowd(stage):
    """A crowd that comes and goes for the second and the third time leaves nothing behind."""
    if stage.server.is_sanitized():
        raise Skip("a sanitizer keeps what was freed")
    strangers, members = 1_800, 32
    _room_for(0, strangers + 500)
    _room_for(stage.server.process.pid, strangers + 500)
    _one_crowd(stage, strangers, members, "first")
    descriptors, first = _descriptors(stage), _memory(stage)
    for name in ("second", "third"):
        _one_crowd(stage, strangers, members, name)
    deadline = time.monotonic() + 20
    while _descriptors(stage) > descriptors + 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    last = _memory(stage)
    stage.say(f"memory after the first crowd {first} KiB, after the third {last} KiB")
    # 1 KiB left by each who came in the second and the third crowd would be 3.6 MiB.
    check(last <= first + 2 * 1024, f"{first} KiB after the first crowd, {last} KiB after the third")


@scenario(users="romeo juliet", fresh=True, differs={"prosody": "does not slow down"})
def scenario_guessing(stage):
    """RFC 6120 §13.11: guessing gets slower with each try, and stands in the log with its source."""
    times = []
    for _ in range(2):
        carol = stage.raw()
        carol.secure()
        for guess in range(4):
            began = time.monotonic()
            try:
                carol.authenticate("PLAIN", password=f"guess{guess}", user=stage.account("juliet").user)
                raise Failure("a guess is right")
            except SaslFailure:
                times.append(time.monotonic() - began)
        carol.drop()
    check(max(times[:3]) < 1, f"the first tries take {times[:3]}")
    check(sum(times[-3:]) > 1.5, f"the last three tries take only {sum(times[-3:]):.2f} s")
    deadline = time.monotonic() + 5  # what is logged is seen a little later than what is answered
    while True:
        lines = re.findall(r"login failed .*user=\S*juliet.*", stage.server.log_text())
        if len(lines) >= 8 or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    check(len(lines) >= 8, f"the log has {len(lines)} of the 8 failures")
    check("peer=127.0.0.1" in lines[0] and "guess0" not in "".join(lines), f"it says {lines[0]}")


def _sees_unavailable(client, jid):
    """Whether the presence has come by which a session's end is told (RFC 6121 §4.5.2)."""
    try:
        while True:
            seen = client.receive(0.05)
            if seen.get("from") == jid and seen.get("type") == "unavailable":
                return True
    except Timeout:
        return False


@scenario(config="limits = { stalled = '5s', output_queue = '256KiB', rate = '0' }",
          differs={"prosody": "has no such limits"})
def scenario_never_reads(stage):
    """RFC 6120 §13.12: who reads nothing while much waits for him is dropped."""
    juliet = stage.client("juliet", "balcony")
    juliet.connect_tcp(receive_buffer=4096)
    juliet.open_stream()
    juliet.negotiate_tls()
    juliet.open_stream()
    juliet.authenticate("SCRAM-SHA-1")
    juliet.open_stream()
    juliet.bind("balcony")
    juliet.send("<presence/>")
    juliet.own_presence()
    garden = stage.client("juliet", "garden").online()
    romeo = stage.client("romeo")
    romeo.login()
    message = (f"<message to='{juliet.jid}' type='headline'><body>{'x' * 10000}</body></message>")
    # What the kernel takes off the server's hands is some megabytes: it has to be more.
    romeo.socket.settimeout(0.2)
    deadline, rest, gone = time.monotonic() + 30, b"", False
    while not gone and time.monotonic() < deadline:
        for _ in range(100):
            rest = rest or message.encode()
            try:
                rest = rest[romeo.socket.send(rest):]
            except TimeoutError:
                break  # throttled, which is an answer too
        gone = _sees_unavailable(garden, juliet.jid)
    check(gone, "she is still there, although she reads nothing")
    garden.ping()
