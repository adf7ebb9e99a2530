"""Other servers that want too much: connections, time, pairs of domains."""

import time

from harness.errors import Closed, Failure, check, check_equal
from harness.federation import RESULT, Remote, condition
from harness.stage import scenario

MONTAGUE = "montague.example"
SLOW = "federation = true\ns2s = { auth_timeout = '2s' }"
FEW = "federation = true\ns2s = { unverified_per_address = 5 }"
MANY = "federation = true\ns2s = { unverified_per_address = 0, streams_per_domain = 2000 }"


@scenario(config=SLOW)
def scenario_time_to_prove(stage):
    """docs/security.md 8: who proves nothing is cut off, however busy he looks."""
    montague = Remote(stage, MONTAGUE)
    silent, chatty, inside = (montague.connect(name) for name in ("silent", "chatty", "inside"))
    chatty.open_stream()
    inside.secure()
    began = time.monotonic()
    while not chatty.eof and time.monotonic() - began < 8:
        chatty.write(" ")
        chatty.quiet(0.2)
    check(chatty.eof, "white space extends the time")
    for stream in (silent, inside):
        stream.quiet(max(0.5, 6 - (time.monotonic() - began)))
        check(stream.eof, f"{stream.name} is still connected")


@scenario(config=FEW)
def scenario_unverified_connections(stage):
    """docs/security.md 20: from one address, only so many connections that prove nothing."""
    montague = Remote(stage, MONTAGUE)
    held, refused = [], 0
    for number in range(12):
        try:
            held.append(montague.connect(f"c{number}").secure())
        except (Closed, Failure):
            refused += 1
    check(len(held) <= 5 and refused >= 7, f"{len(held)} connections got through")
    # Who has proved a domain is counted no more.
    for stream in held:
        stream.external()
    montague.connect("next").secure().external()
    stage.client("romeo").online()


@scenario(config=MANY)
def scenario_a_thousand_streams(stage):
    """1 000 streams of one server: stanzas and logins go on, and all is given back."""
    montague = Remote(stage, MONTAGUE)
    streams = []
    for number in range(1000):
        stream = montague.connect(f"c{number}")
        stream.write("<stream:stream xmlns='jabber:server' version='1.0' "
                     f"from='{MONTAGUE}' to='{stage.server.host}' "
                     "xmlns:stream='http://etherx.jabber.org/streams'>")
        streams.append(stream)
    romeo = stage.client("romeo").online()
    last = montague.connect("last").secure().external()
    last.write(montague.message(to=romeo.jid, body="Hi", id="m1"))
    check_equal(romeo.receive().get("id"), "m1", "the message")
    for stream in streams:
        stream.close()
    romeo.ping()
    again = montague.connect("again").secure().external()
    again.write(montague.message(to=romeo.jid, body="Hi", id="m2"))
    check_equal(romeo.receive().get("id"), "m2", "the message")


@scenario(config="federation = true")
def scenario_many_pairs(stage):
    """Domains that one stream asks for at once are bounded: <resource-constraint/>, no end."""
    montague = Remote(stage, MONTAGUE)
    silent = [Remote(stage, f"d{number}.example", montague.certificate) for number in range(30)]
    for each in silent:
        each.is_silent = True
    stream = montague.connect().secure().external()
    for each in silent:
        stream.ask_pair(sender=each.domain)
    answer = stream.take(RESULT)
    check_equal((answer.get("type"), condition(answer)), ("error", "resource-constraint"),
                "the answer")
    check(not stream.eof, "the stream ended")
