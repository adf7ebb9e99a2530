"""The log under attack: what a stranger sends costs the disk far less than it costs him."""

import socket
import time

from harness.errors import check
from harness.stage import scenario

ONLY_OURS = {"prosody": "is not under test here"}
HEADER = (b"<stream:stream to='localhost' xmlns='jabber:client' version='1.0' "
          b"xmlns:stream='http://etherx.jabber.org/streams'>")
CONNECTIONS = 20


def _grows_by(stage, attack):
    """What the log gets from it: (lines, bytes)."""
    before = len(stage.server.log_text())
    attack()
    time.sleep(0.5)  # the log is read a little later than it is written
    grown = stage.server.log_text()[before:]
    return grown.count("\n"), len(grown), grown


def _each(stage, *pieces):
    for _ in range(CONNECTIONS):
        with socket.create_connection((stage.server.address, stage.server.port)) as connection:
            connection.settimeout(5)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while connection.recv(65536):
                    pass
            except OSError:
                pass


@scenario(config="limits = { connections_per_address = 1000 }", differs=ONLY_OURS)
def scenario_strangers(stage):
    """Whatever a stranger says, his connection costs a line or two of bounded length."""
    long = b"x" * 60_000
    for what, pieces in {
            "garbage": (b"\0\1\2\n\n\n" + long,),
            "lines as of a log": (b"2026-01-01 error everything is lost\n" * 1000,),
            "a header of another kind": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
            "a long host": (HEADER.replace(b"localhost", long[:3000]),),
            "a stanza too early": (HEADER, b"<message to='a@b'><body>" + long[:3000]
                                   + b"</body></message>"),
            "an unknown element": (HEADER, b"<x xmlns='" + long[:3000] + b"'/>"),
    }.items():
        lines, size, grown = _grows_by(stage, lambda pieces=pieces: _each(stage, *pieces))
        check(lines <= 2 * CONNECTIONS, f"{what}: {lines} lines: {grown[:500]}")
        check(size <= 600 * CONNECTIONS, f"{what}: {size} bytes: {grown[:1500]}")
        check("everything is lost" not in grown, "he writes lines of his own")


@scenario(config="limits = { rate = '0' }", differs=ONLY_OURS)
def scenario_members(stage):
    """Who is logged in cannot fill the log with stanzas that are answered with errors."""
    romeo = stage.client("romeo").online()

    def attack():
        for n in range(300):
            romeo.send(f"<iq type='get' id='x{n}' to='nobody@localhost'><query xmlns='a:b{n}'/></iq>"
                       f"<message to='nobody{n}@localhost' id='m{n}'><body>x</body></message>"
                       f"<presence to='nobody{n}@localhost' type='subscribe'/>"
                       f"<message to='not an address @@' id='n{n}'/>")
        romeo.ping()

    lines, size, grown = _grows_by(stage, attack)
    check(lines <= 20, f"{lines} lines: {grown[:800]}")
    check(size <= 4000, f"{size} bytes")
