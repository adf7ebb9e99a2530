#!/usr/bin/python3
"""Servers that nobody here wrote, and a second one of ours, at the other end of a stream.

    tests/interop/servers.py --binary build/release/bin/balconyd [--only prosody] [--proof dialback]

A user of ours and one of the other server talk, share presence, ask and are answered, while either server
is killed and comes back. Each pair of servers twice: with certificates that suffice (EXTERNAL), and
with such that do not (dialback). What is not installed is named and left out, or fails with
--require-all. Loopback only, with a name server and an authority of the test's own.
"""

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

import federated  # noqa: E402
import one_server  # noqa: E402
from harness import connection, xmltree  # noqa: E402
from harness.connection import Transcript  # noqa: E402
from harness.errors import Failure, check, check_equal  # noqa: E402
from harness.xmltree import CLIENT, STANZA_ERROR  # noqa: E402

OURS, THEIRS = "capulet.example", "montague.example"
ONE_WAY = {"s2s": {"bidi": False}}


def _ours(domain, user, settings=None):
    return lambda world, options: world.add(federated.BalconydPeer, domain, user,
                                            binary=options.binary, shards=options.shards,
                                            settings=settings)


PEERS = {
    "balconyd": _ours(THEIRS, "juliet"),
    "balconyd-": _ours(THEIRS, "juliet", ONE_WAY),
    "prosody": lambda world, _: world.add(federated.ProsodyPeer, THEIRS, "juliet"),
    # With stream management and streams that carry both directions.
    "prosody+": lambda world, _: world.add(federated.ProsodyPeer, THEIRS, "juliet",
                                           more=("smacks", "s2s_bidi")),
    "ejabberd": lambda world, _: world.add(federated.EjabberdPeer, THEIRS, "juliet"),
}
VERSIONS = {"prosody": federated.ProsodyPeer.version, "prosody+": federated.ProsodyPeer.version,
            "ejabberd": federated.EjabberdPeer.version}


class Pair:
    """romeo at our server and juliet at the other one."""

    def __init__(self, ours, theirs, transcript):
        self.ours, self.theirs, self.transcript = ours, theirs, transcript
        self.romeo = self.juliet = None

    def online(self):
        for name, server in (("romeo", self.ours), ("juliet", self.theirs)):
            client = server.client(self.transcript).online(interested=True)
            setattr(self, name, client)

    def both_ways(self):
        return ((self.romeo, self.juliet), (self.juliet, self.romeo))


def _next(client, name, seconds=None, **attributes):
    """The next stanza of this name with these attributes (`sender` is `from`); others are passed
    over, but not for good: see Client._take_first."""
    wanted = {"from" if key == "sender" else key: value for key, value in attributes.items()}

    def fits(element):
        return element.tag == f"{{{CLIENT}}}{name}" and all(
            element.get(key) == value for key, value in wanted.items())
    return client._take_first(fits, f"<{name}/> {wanted}")


def _body(element):
    return element.find(f"{{{CLIENT}}}body").text


def step_message(pair):
    """A message each way, with signs that must be escaped."""
    for number, (sender, receiver) in enumerate(pair.both_ways()):
        text = f"{number}: <wherefore> & \"art\" 'thou' \u00fc\U0001f339"
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        sender.send(f"<message to='{receiver.jid}' type='chat' id='m{number}'>"
                    f"<body>{escaped}</body></message>")
        came = _next(receiver, "message", id=f"m{number}")
        check_equal((came.get("from"), _body(came)), (sender.jid, text), "the message")


def step_hosts(pair):
    """Each server's second host answers too, on the stream that its first one has."""
    second = pair.theirs.second_host
    if not second:
        return
    for asking, asked in ((pair.romeo, second), (pair.juliet, pair.ours.second_host)):
        answer = asking.iq("get", "<ping xmlns='urn:xmpp:ping'/>", asked)
        check_equal((answer.get("type"), answer.get("from")), ("result", asked), "the pong")
    rows = json.loads(pair.ours.control("s2s", "show", second, "--json"))["rows"]
    sends = [row["sends"] for row in rows if row["direction"] == "out"]
    check(any(f"{OURS} -> {THEIRS}: " in each and f"{OURS} -> {second}: " in each for each in sends),
          f"streams of ours: {sends}")


def _reach(client, domain):
    """Asks until there is an answer: a server that could not be reached is left alone for a while."""
    deadline = time.monotonic() + 20
    while client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", domain).get("type") != "result":
        check(time.monotonic() < deadline, f"{domain} does not answer")
        time.sleep(0.2)


def step_cut(pair):
    """The lines are cut while messages and queries go both ways: streams are resumed (XEP-0198 §5),
    nothing is lost, doubled, or out of order."""
    lines = [server.line for server in (pair.ours, pair.theirs)]
    if not all(lines):
        return
    for round_ in range(4):
        # All streams stand: what is sent on one that does not may come back.
        for client, domain in ((pair.romeo, THEIRS), (pair.romeo, pair.theirs.second_host),
                               (pair.juliet, OURS)):
            _reach(client, domain)
        for sender, receiver in pair.both_ways():
            sender.send("".join(
                f"<message to='{receiver.jid}' type='chat' id='c{round_}.{n}'><body>x</body></message>"
                for n in range(100)))
        pair.romeo.send(f"<iq type='get' id='c{round_}' to='{pair.theirs.second_host}'>"
                        "<ping xmlns='urn:xmpp:ping'/></iq>")
        time.sleep(0.01 * round_)
        for line in lines if round_ % 2 else lines[1:]:
            line.cut()
        time.sleep(0.3)
        for line in lines:
            line.mend()
        for _, receiver in pair.both_ways():
            for number in range(100):
                came = _next(receiver, "message")
                check_equal((came.get("id"), came.get("type")), (f"c{round_}.{number}", "chat"),
                            "what came")
        check_equal(_next(pair.romeo, "iq", id=f"c{round_}").get("type"), "result", "the pong")


def step_order(pair):
    """200 messages each way come in their order."""
    for sender, receiver in pair.both_ways():
        sender.send("".join(f"<message to='{receiver.jid}' type='chat' id='o{n}'><body>x</body>"
                            "</message>" for n in range(200)))
        for number in range(200):
            came = _next(receiver, "message")
            check_equal(came.get("id"), f"o{number}", "the order")


def step_big(pair):
    """A stanza of 100 kB each way."""
    for sender, receiver in pair.both_ways():
        sender.send(f"<message to='{receiver.jid}' type='chat' id='big'><body>{'x' * 100_000}</body>"
                    "</message>")
        check_equal(len(_body(_next(receiver, "message", id="big"))), 100_000, "its size")


def step_query(pair):
    """Queries to the other server and to the other user, each way."""
    for asking, asked in pair.both_ways():
        answer = asking.iq("get", "<ping xmlns='urn:xmpp:ping'/>", asked.host)
        check_equal((answer.get("type"), answer.get("from")), ("result", asked.host), "the pong")
        asking.send(f"<iq type='get' id='v' to='{asked.jid}'><query xmlns='jabber:iq:version'/></iq>")
        _next(asked, "iq", type="get", id="v")
        asked.send(f"<iq type='result' id='v' to='{asking.jid}'><query xmlns='jabber:iq:version'>"
                   "<name>it</name></query></iq>")
        answer = _next(asking, "iq", type="result", id="v")
        check(answer.find("{jabber:iq:version}query/{jabber:iq:version}name") is not None,
              "the answer is empty")


def step_error(pair):
    """What nobody gets comes back as an error, each way."""
    for asking, asked in pair.both_ways():
        answer = asking.iq("get", "<query xmlns='jabber:iq:version'/>",
                           f"nobody@{asked.host}/nowhere")
        error = answer.find(f"{{{CLIENT}}}error")
        check(answer.get("type") == "error" and error is not None, xmltree.show(answer))
        check(xmltree.split(error[0].tag)[0] == STANZA_ERROR, xmltree.show(answer))


def step_subscribe(pair):
    """A subscription in both directions, and each sees the other's presence."""
    for asking, asked in pair.both_ways():
        bare, other = asking.account.bare, asked.account.bare
        asking.send(f"<presence type='subscribe' to='{other}'/>")
        _next(asked, "presence", type="subscribe", sender=bare)
        asked.send(f"<presence type='subscribed' to='{bare}'/>")
        _next(asking, "presence", type="subscribed", sender=other)
        _next(asking, "presence", type=None, sender=asked.jid)
    for talking, seeing in pair.both_ways():
        talking.send("<presence><show>dnd</show></presence>")
        came = _next(seeing, "presence", type=None, sender=talking.jid)
        while came.find(f"{{{CLIENT}}}show") is None:
            came = _next(seeing, "presence", type=None, sender=talking.jid)


def step_login(pair):
    """At logout the other sees it; at login each learns of the other by a probe."""
    for leaving, staying in pair.both_ways():
        jid = leaving.jid
        leaving.disconnect()
        _next(staying, "presence", type="unavailable", sender=jid)
        leaving.online(interested=True)
        _next(staying, "presence", type=None, sender=leaving.jid)
        _next(leaving, "presence", type=None, sender=staying.jid)


def step_unsubscribe(pair):
    """The end of the subscription, from one side."""
    romeo, juliet = pair.romeo, pair.juliet
    romeo.send(f"<presence type='unsubscribe' to='{juliet.account.bare}'/>")
    _next(juliet, "presence", type="unsubscribe", sender=romeo.account.bare)
    romeo.send(f"<presence type='unsubscribed' to='{juliet.account.bare}'/>")
    _next(juliet, "presence", type="unsubscribed", sender=romeo.account.bare)


def _comes_through(sender, receiver, what):
    """Messages are sent until one comes: the other server may still be remembered as dead."""
    deadline, number = time.monotonic() + 60, 0
    while time.monotonic() < deadline:
        number += 1
        sender.send(f"<message to='{receiver.account.bare}' type='chat' id='{what}{number}'>"
                    f"<body>{what}</body></message>")
        receiver.quiet(1.0)
        try:
            while True:
                element = receiver.receive(0.05)
                if element.tag == f"{{{CLIENT}}}message" and element.get("type") != "error":
                    return
        except connection.Timeout:
            continue
    raise Failure(f"no message came {what}")


def _comes_back(pair, server, name):
    server.kill()
    server.start()
    client = server.client(pair.transcript).online(interested=True)
    setattr(pair, name, client)
    for sender, receiver in pair.both_ways():
        _comes_through(sender, receiver, f"after {server.name} of {name} was killed")


def step_their_death(pair):
    """The other server is killed and comes back: messages go both ways again."""
    _comes_back(pair, pair.theirs, "juliet")


def step_our_death(pair):
    """Our server is killed and comes back: the same."""
    _comes_back(pair, pair.ours, "romeo")


STEPS = (step_message, step_hosts, step_order, step_cut, step_big, step_query, step_error,
         step_subscribe, step_login, step_unsubscribe, step_their_death, step_our_death)


def play(name, proof, options):
    """All steps of one pair of servers; {step: "" or what went wrong}."""
    world = federated.World(proof, is_plain=name == "ejabberd")
    transcript = Transcript()
    servers = []
    results = {}
    try:
        ours = _ours(OURS, "romeo", ONE_WAY if name.endswith("-") else None)
        servers = [ours(world, options), PEERS[name](world, options)]
        for server in servers:
            server.start()
        pair = Pair(*servers, transcript)
        pair.online()
        for step in STEPS:
            label = step.__name__.removeprefix("step_")
            began = time.monotonic()
            try:
                step(pair)
                results[label] = ""
            except Exception:  # whatever a step does not get through, the others are tried
                results[label] = traceback.format_exc(limit=-3)
            print(f"  {'failed' if results[label] else 'passed'} {time.monotonic() - began:6.2f} s  "
                  f"{label}", flush=True)
        results["proof"] = "" if servers[0].proofs() == {proof} else (
            f"the streams were proved by {servers[0].proofs()}")
    finally:
        for server in servers:
            server.stop()
            if options.logs and any(results.values()):
                path = options.logs / f"{name}-{proof}-{server.host}.log"
                path.write_text(server.log_text())
            server.remove()
        world.close()
    if any(results.values()) and options.verbose:
        print("\n".join(transcript.show()))
    return results


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", help="balconyd; balconyctl stands beside it")
    parser.add_argument("--shards", type=int, default=2, help="shards of balconyd")
    parser.add_argument("--only", action="append", metavar="SERVER", choices=sorted(PEERS))
    parser.add_argument("--proof", action="append", choices=("external", "dialback"))
    parser.add_argument("--require-all", action="store_true",
                        help="a server that is not installed counts as a failure")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of what failed")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what went over the wires")
    return parser.parse_args()


def main():
    options = parse()
    if options.logs:
        options.logs.mkdir(parents=True, exist_ok=True)
    passed = failures = 0
    for name in options.only or PEERS:
        version = VERSIONS.get(name, lambda: "of the same build")()
        if not version:
            print(f"{name} is not installed")
            failures += options.require_all
            continue
        for proof in options.proof or ("external", "dialback"):
            print(f"balconyd and {name} {version}, {proof}", flush=True)
            results = play(name, proof, options)
            good, bad = one_server.tell_failures(f"{name} {proof}", results)
            passed, failures = passed + good, failures + bad
    print(f"{passed} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
