"""Other servers that want too much: connections, time, pairs of domains."""

import socket
import threading
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


class _Door:
    """A port at which everybody is sent away, and counted."""

    def __init__(self, stage):
        self.knocks = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        stage.keep(self)

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _serve(self):
        while True:
            try:
                came, _ = self._listener.accept()
            except OSError:
                return
            self.knocks += 1
            came.close()

    def serves(self, stage, domain):
        """In DNS."""
        stage.server.dns.srv(domain, f"xmpp.{domain}", self.port)
        stage.server.dns.address(f"xmpp.{domain}", "127.0.0.1")


def _stranger(stage):
    """A server whose certificate does not suffice."""
    return Remote(stage, MONTAGUE, stage.server.authority.self_signed("self", MONTAGUE))


@scenario(config="federation = true")
def scenario_a_target_that_fails_is_left_alone(stage):
    """Who names a domain again and again does not make the server knock there each time."""
    stranger, door = _stranger(stage), _Door(stage)
    door.serves(stage, "victim.example")
    for number in range(8):
        stream = stranger.connect(f"c{number}").secure(sender="victim.example")
        stream.ask_pair(sender="victim.example")
        answer = stream.take(RESULT)
        check_equal((answer.get("type"), condition(answer)), ("error", "remote-server-timeout"),
                    "the answer")
        stream.close()
    check(door.knocks <= 3, f"{door.knocks} connections to the victim")


@scenario(config="federation = true\ns2s = { failures_per_address = 5 }")
def scenario_an_address_may_fail_rarely(stage):
    """Names without end that all lead to one door: few knocks a minute for each address."""
    stranger, door = _stranger(stage), _Door(stage)
    conditions = []
    for number in range(15):
        domain = f"d{number}.example"
        door.serves(stage, domain)
        stream = stranger.connect(f"c{number}").secure(sender=MONTAGUE)
        stream.ask_pair(sender=domain)
        conditions.append(condition(stream.take(RESULT)))
        stream.close()
    check_equal(door.knocks, 5, "connections to the victim")
    check_equal(conditions, ["remote-server-timeout"] * 5 + ["resource-constraint"] * 10,
                "the answers")
    # What is proved by certificate needs no question.
    Remote(stage, "verona.example").connect().secure().external()


@scenario(config="federation = true")
def scenario_wrong_keys_keep_nobody_out(stage):
    """Wrong keys for a domain rest for who sent them; the domain's own server gets in at once."""
    montague = _stranger(stage)
    for _ in range(3):
        liar = montague.connect("liar").secure()
        liar.ask_pair(key="0" * 64)
        answer = liar.take(RESULT)
        check(answer.get("type") in ("invalid", "error"), "a wrong key is right")
        liar.close()
    check(len(montague.streams) <= 2, f"{len(montague.streams)} questions")
    time.sleep(2.2)
    montague.connect().secure().dialback()


@scenario(config="federation = true")
def scenario_an_unproved_stream_asks_for_little(stage):
    """Before a domain is proved: few questions at a time, and few refusals until the end."""
    stranger = _stranger(stage)
    silent = [Remote(stage, f"d{number}.example", stranger.certificate) for number in range(5)]
    for each in silent:
        each.is_silent = True
    stream = stranger.connect().secure()
    for each in silent:
        stream.ask_pair(sender=each.domain)
    for _ in range(2):
        answer = stream.take(RESULT)
        check_equal((answer.get("type"), condition(answer)), ("error", "resource-constraint"),
                    "the answer")
    for number in range(20):
        stream.ask_pair(to=f"nobody{number}.example")
    for _ in range(9):
        check_equal(condition(stream.take(RESULT)), "item-not-found", "the answer")
    stream.stream_error("policy-violation")
    check(sum(len(each.streams) for each in silent) <= 3, "more than three were asked")
