"""Limits: what goes past one gets a named error, and nobody else feels it."""

import time

from harness.errors import Closed, Failure, check, check_equal
from harness.scram import encode
from harness.stage import scenario
from harness.xmltree import CLIENT, SASL

BODY = f"{{{CLIENT}}}body"


def _tls(stage, name):
    carol = stage.raw(name)
    carol.secure()
    return carol


@scenario()
def scenario_before_authentication(stage):
    """RFC 6120 §13.12: 10 000 bytes may come before authentication, much more may not."""
    carol = _tls(stage, "small")
    carol.write(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode('x' * 7000)}</auth>")
    check_equal(carol.element().tag, f"{{{SASL}}}failure", "the answer to 9 400 bytes")
    big = _tls(stage, "big")
    big.write(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode('x' * 20000)}</auth>")
    big.stream_error("policy-violation")


@scenario()
def scenario_before_tls(stage):
    """RFC 6120 §13.12: the limit holds before TLS too, and for a header without an end."""
    carol = stage.raw()
    carol.connect_tcp()
    carol.write("<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='"
                "http://etherx.jabber.org/streams' version='1.0' a='" + "x" * 50000)
    carol.stream_error("policy-violation")


@scenario(differs={"prosody": "does not hold its limit of 256 KiB here"})
def scenario_largest_stanza(stage):
    """docs/security.md: 256 KiB may come after authentication; more ends the stream."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    body = "x" * (256 * 1024 - 300)
    romeo.send(f"<message to='{juliet.jid}'><body>{body}</body></message>")
    check_equal(len(juliet.receive().findtext(BODY)), len(body), "the length that arrived")
    romeo.send(f"<message to='{juliet.jid}'><body>{'x' * (300 * 1024)}</body></message>")
    romeo.stream_error("policy-violation")
    check(not juliet.collect(), "a part of the large stanza arrived")


@scenario(differs={"prosody": "waits for the end of the stanza"})
def scenario_too_large(stage):
    """RFC 6120 §4.9.3.14: a stanza past the limit ends the stream, before its end has come."""
    romeo = stage.client("romeo")
    romeo.login()
    romeo.send(f"<message to='{stage.bare('juliet')}'><body>{'x' * (400 * 1024)}")
    romeo.stream_error("policy-violation")


@scenario(config="stanza_bytes_max = 20000")
def scenario_configured_size(stage):
    """The limit is an option."""
    romeo = stage.client("romeo")
    romeo.login()
    romeo.send(f"<message to='{stage.bare('juliet')}'><body>{'x' * 30000}</body></message>")
    romeo.stream_error("policy-violation")


@scenario(differs={"prosody": "has no limit of depth"})
def scenario_too_deep(stage):
    """docs/security.md: elements in elements, 64 deep at most."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    romeo.send(f"<message to='{juliet.jid}'>{'<a>' * 50}{'</a>' * 50}</message>")
    juliet.receive()
    romeo.send(f"<message to='{juliet.jid}'>{'<a>' * 200}{'</a>' * 200}</message>")
    romeo.stream_error("policy-violation")


@scenario(differs={"prosody": "has no limit of attributes"})
def scenario_too_many_attributes(stage):
    """docs/security.md: 64 attributes an element at most."""
    romeo, juliet = stage.client("romeo"), stage.client("juliet").online()
    romeo.login()
    few = " ".join(f"a{n}='1'" for n in range(50))
    romeo.send(f"<message to='{juliet.jid}'><x {few}/></message>")
    juliet.receive()
    many = " ".join(f"a{n}='1'" for n in range(500))
    romeo.send(f"<message to='{juliet.jid}'><x {many}/></message>")
    romeo.stream_error("policy-violation")


@scenario(config="auth_timeout_s = 2")
def scenario_authentication_deadline(stage):
    """RFC 6120 §13.12: who does not authenticate in time goes; trickling does not help."""
    silent, trickling, tls = stage.raw("silent"), stage.raw("trickling"), stage.raw("tls")
    romeo = stage.client("romeo")
    romeo.login()
    began = time.monotonic()
    silent.connect_tcp()
    for carol in (trickling, tls):
        carol.connect_tcp()
        carol.open_stream()
    tls.negotiate_tls()
    tls.open_stream()
    while time.monotonic() - began < 6 and not (silent.eof and trickling.eof and tls.eof):
        for carol in (trickling, tls):
            if not carol.eof:
                carol.write(" ")
        for carol in (silent, trickling, tls):
            carol.quiet(0.1)
    for carol in (silent, trickling, tls):
        check(carol.eof, f"{carol.name} is still connected after three times the deadline")
    check(time.monotonic() - began > 1.5, "they were closed too early")
    romeo.ping()  # who is authenticated may be silent


@scenario(config="connections_per_address = 5")
def scenario_connections_per_address(stage):
    """docs/security.md: an address has so many connections and no more; a place becomes free again."""
    def opened(name):
        carol = stage.raw(name)
        try:
            carol.connect_tcp()
            carol.open_stream()
        except (Failure, OSError):
            return None
        return carol
    first = [opened(f"c{n}") for n in range(5)]
    check(all(first), "five connections are possible")
    check(opened("sixth") is None, "a sixth connection was accepted")
    first[0].drop()
    deadline = time.monotonic() + 5
    while not (again := opened("again")) and time.monotonic() < deadline:
        time.sleep(0.1)
    check(again is not None, "no place became free")


@scenario(users="romeo juliet mercutio")
def scenario_slow_reader(stage):
    """docs/security.md: somebody who does not read slows nobody else down."""
    juliet = stage.client("juliet", "balcony")
    juliet.connect_tcp(receive_buffer=4096)
    juliet.open_stream()
    juliet.negotiate_tls()
    juliet.open_stream()
    juliet.authenticate("SCRAM-SHA-1")
    juliet.open_stream()
    juliet.bind("balcony")
    juliet.send("<presence/>")
    juliet.own_presence()  # from here on she does not read
    romeo, mercutio = stage.client("romeo"), stage.client("mercutio")
    romeo.login()
    mercutio.login()
    body = "x" * 10000
    romeo.socket.settimeout(0.5)
    try:
        for _ in range(600):
            romeo.socket.sendall(f"<message to='{juliet.jid}' type='headline'><body>{body}</body>"
                                 f"</message>".encode())
    except OSError:
        pass  # throttled, which is an answer too
    slowest = 0
    for _ in range(5):
        began = time.monotonic()
        mercutio.ping()
        slowest = max(slowest, time.monotonic() - began)
    check(slowest < 1, f"a ping of somebody else took {slowest:.1f} s")


@scenario(users="romeo")
def scenario_many_connections(stage):
    """docs/security.md: two hundred connections that come and go leave login working."""
    crowd = []
    for n in range(200):
        carol = stage.raw(f"c{n}")
        carol.connect_tcp()
        if n % 2:
            carol.write("<stream:stream to='localhost' xmlns='jabber:client' version='1.0' "
                        "xmlns:stream='http://etherx.jabber.org/streams'>")
        crowd.append(carol)
    for carol in crowd[:150]:
        carol.drop()
    try:
        stage.client("romeo").login()
    except Closed as closed:
        raise Failure("nobody can log in any more") from closed
