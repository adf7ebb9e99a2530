"""Plays a dialogue: each step is one line of the table at the end."""

import base64
import re
import time

from . import connection, xmltree
from .accounts import Renaming
from .befriend import befriend
from .client import Client
from .errors import BrokenScenario, Failure, Skip, Timeout
from .match import match

QUIET_S = 0.25
_EXPANSION = re.compile(r"\$\{(\w[\w.-]*)(?::([^{}]*))?\}")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[nrt0\\\"])")


class Player:
    """Runs one dialogue against `server` (drivers.Server)."""

    def __init__(self, dialogue, server, accounts, transcript):
        self.dialogue = dialogue
        self.server = server
        self.accounts = accounts
        self.transcript = transcript
        self.rename = Renaming(accounts.values())
        self.clients = {}
        self.variables = {"server": server.host}
        for name, (user, host, resource) in dialogue.clients.items():
            self._add_client(name, accounts[f"{user}@{host}"], resource)

    def play(self):
        for step in self.dialogue.steps:
            for pattern, action in _STEPS:
                if found := pattern.fullmatch(step.text):
                    self._perform(step, action, found)
                    break
            else:
                raise BrokenScenario(f"{self.dialogue.path}:{step.line}: unknown step: {step.text}")

    def close(self):
        for client in self.clients.values():
            client.close()

    def _perform(self, step, action, found):
        self.transcript.add("", f"#{step.line:>3}", step.text)
        try:
            action(self, self.rename(step.body), *found.groups())
        except (BrokenScenario, Skip):
            raise
        except Failure as failure:
            raise type(failure)(f"line {step.line}: {step.text}\n{failure}") if isinstance(
                failure, Timeout) else Failure(f"line {step.line}: {step.text}\n{failure}")

    def _add_client(self, name, account, resource):
        client = Client(self.server, name, account, resource, self.transcript)
        self.clients[name] = client
        if account:
            self.variables |= {f"{name}.bare": account.bare, f"{name}.user": account.user,
                               f"{name}.password": account.password,
                               f"{name}.plain": _encode(f"\0{account.user}\0{account.password}")}

    def client(self, name):
        if name not in self.clients:
            raise BrokenScenario(f"there is no client {name}")
        return self.clients[name]

    def raw(self, name):
        if name not in self.clients:
            self._add_client(name, None, None)
        return self.clients[name]

    def expand(self, text):
        """Replaces ${name}, ${repeat:count:text} and ${base64:text}."""
        def value(found):
            name, argument = found[1], found[2]
            if name == "repeat":
                count, _, what = argument.partition(":")
                return what * int(count)
            if name == "base64":
                return _encode(_unescape(argument))
            if name not in self.variables:
                raise BrokenScenario(f"the variable {name} has no value")
            return self.variables[name]
        while (expanded := _EXPANSION.sub(value, text)) != text:  # the innermost ones first
            text = expanded
        return text

    def patterns(self, body, default=xmltree.CLIENT):
        found = xmltree.parse_fragments(body, default)
        if not found:
            raise BrokenScenario(f"no element to expect in: {body!r}")
        return found

    # Steps of clients.

    def connects(self, _body, name, tls, mechanism):
        client = self.client(name)
        client.login(mechanism, direct_tls=bool(tls))
        self.variables[f"{name}.jid"] = client.jid

    def is_online(self, body, name, interested):
        client = self.client(name)
        client.online(self.expand(body) or "<presence/>", bool(interested))
        self.variables[f"{name}.jid"] = client.jid

    def sends(self, body, name):
        self.client(name).send(self.expand(body))

    def receives(self, body, name, strictly):
        for pattern in self.patterns(body):
            actual = self.client(name).receive()
            difference = match(pattern, actual, self.variables, bool(strictly))
            if difference:
                raise Failure(f"expected: {xmltree.show(pattern)}\n"
                              f"received: {xmltree.show(actual)}\nbecause:  {difference}")

    def receives_unordered(self, body, name):
        wanted = self.patterns(body)
        while wanted:
            try:
                actual = self.client(name).receive()
            except Timeout as late:
                missing = "\n  ".join(xmltree.show(pattern) for pattern in wanted)
                raise Timeout(f"{late}; still missing:\n  {missing}") from late
            reasons = []
            for pattern in wanted:
                difference = match(pattern, actual, self.variables)
                if difference is None:
                    wanted.remove(pattern)
                    break
                reasons.append(f"  not {xmltree.show(pattern)}: {difference}")
            else:
                raise Failure(f"received: {xmltree.show(actual)}\n" + "\n".join(reasons))

    def receives_nothing(self, _body, name):
        came = self.client(name).collect(QUIET_S)
        if came:
            raise Failure("received: " + "\n  ".join(xmltree.show(e) for e in came))

    def ignores(self, body, name):
        client = self.client(name)
        for pattern in self.patterns(body):
            def like(element, pattern=pattern):
                return match(pattern, element, dict(self.variables)) is None
            client.ignored.append(like)
            client.inbox = [e for e in client.inbox if not like(e)]

    def friends(self, _body, first, second):
        befriend(self.server, self.client(first).account, self.client(second).account,
                 self.transcript)

    def settles(self, _body):
        online = [c for c in self.clients.values() if c.jid and not c.eof]
        for client in online:
            client.ping()
        for client in online:
            client.collect(0.1)

    def disconnects(self, _body, name):
        self.client(name).disconnect()

    def drops(self, _body, name):
        self.client(name).drop()

    def is_closed(self, _body, name):
        self.raw(name).closed()

    def is_closed_with(self, body, name):
        self.raw(name).stream_error(body)

    def waits(self, _body, seconds):
        time.sleep(float(seconds))

    # Steps below stanzas.

    def raw_connects(self, _body, name, tls):
        self.raw(name).connect_tcp(direct_tls=bool(tls))

    def raw_writes(self, body, name):
        quoted = len(body) > 1 and body[0] == body[-1] == '"'
        text = self.expand(body[1:-1] if quoted else body)
        self.raw(name).write(_unescape(text) if quoted else text)

    def raw_reads(self, body, name):
        self.raw(name).read_until(self.expand(body.strip('"')))

    def raw_reads_to_end(self, _body, name):
        """Whatever comes, the connection must end: for what is no XML stream any more."""
        client = self.raw(name)
        client.quiet(connection.PATIENCE_S)
        if not client.eof:
            raise Failure("the server did not close the connection")

    def raw_receives(self, body, name):
        for pattern in self.patterns(body):
            actual = self.raw(name).element()
            difference = match(pattern, actual, self.variables)
            if difference:
                raise Failure(f"expected: {xmltree.show(pattern)}\n"
                              f"received: {xmltree.show(actual)}\nbecause:  {difference}")

    def raw_receives_nothing(self, _body, name):
        client = self.raw(name)
        client.quiet(QUIET_S)
        if client.events or client.eof:
            raise Failure(f"received: {client.events or 'the end of the connection'}")

    def raw_opens(self, _body, name, host):
        self.raw(name).open_stream(host)

    def raw_restarts(self, body, name):
        client = self.raw(name)
        client.reset()
        client.write(self.expand(body))
        client.features = client.element()

    def raw_header(self, body, name):
        client = self.raw(name)
        kind, header = client.event()
        if kind != "open":
            raise Failure(f"expected a stream header, got {kind}")
        pattern = self.patterns(body)[0]
        difference = match(pattern, header, self.variables)
        if difference:
            raise Failure(f"received the header {xmltree.show(header)}\nbecause: {difference}")

    def raw_tls(self, _body, name):
        client = self.raw(name)
        client.negotiate_tls()
        client.open_stream()

    def raw_handshake(self, _body, name):
        self.raw(name).start_tls(self.server.host)

    def raw_authenticates(self, _body, name, account_name):
        client = self.raw(name)
        client.account = self.client(account_name).account
        client.host = client.account.host
        client.secure()
        client.authenticate("SCRAM-SHA-1" if "SCRAM-SHA-1" in client.mechanisms() else None)
        client.open_stream()

    def raw_binds(self, _body, name, resource):
        self.variables[f"{name}.jid"] = self.raw(name).bind(resource)

    def offered(self, body, name, wanted):
        features = self.raw(name).features
        for pattern in self.patterns(body):
            found = any(match(pattern, f, self.variables) is None for f in features)
            if found != (wanted == "is offered"):
                raise Failure(f"{name} {wanted} {xmltree.show(pattern)}: "
                              f"the features are {xmltree.show(features)}")

    def skip_unless(self, body, name):
        features = self.client(name).features
        for pattern in self.patterns(body):
            if not any(match(pattern, f, self.variables) is None for f in features):
                raise Skip(f"the server does not offer {xmltree.show(pattern)}")


def _encode(data):
    data = data.encode() if isinstance(data, str) else data
    return base64.b64encode(data).decode()


def _unescape(text):
    """Text to bytes; \\n \\r \\t \\0 \\" \\\\ and \\xHH stand for one byte each."""
    plain = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", '"': b'"', "\\": b"\\"}
    out, end = b"", 0
    for found in _ESCAPE.finditer(text):
        out += text[end:found.start()].encode()
        out += plain.get(found[1]) or bytes([int(found[1][1:], 16)])
        end = found.end()
    return out + text[end:].encode()


_STEPS = [(re.compile(pattern), action) for pattern, action in (
    (r"(\w+) connects( over tls)?(?: with ([A-Z0-9-]+))?", Player.connects),
    (r"(\w+) is online( and interested)?", Player.is_online),
    (r"(\w+) sends", Player.sends),
    (r"(\w+) receives( strictly)?", Player.receives),
    (r"(\w+) receives in any order", Player.receives_unordered),
    (r"(\w+) receives nothing", Player.receives_nothing),
    (r"(\w+) ignores", Player.ignores),
    (r"(\w+) and (\w+) are friends", Player.friends),
    (r"everything settles", Player.settles),
    (r"(\w+) disconnects", Player.disconnects),
    (r"(\w+) drops", Player.drops),
    (r"(?:raw )?(\w+) is closed", Player.is_closed),
    (r"(?:raw )?(\w+) is closed with stream error", Player.is_closed_with),
    (r"wait ([\d.]+) s", Player.waits),
    (r"raw (\w+) connects( over tls)?", Player.raw_connects),
    (r"raw (\w+) writes", Player.raw_writes),
    (r"raw (\w+) reads until", Player.raw_reads),
    (r"raw (\w+) reads until the end", Player.raw_reads_to_end),
    (r"raw (\w+) receives", Player.raw_receives),
    (r"raw (\w+) receives nothing", Player.raw_receives_nothing),
    (r"raw (\w+) receives the header", Player.raw_header),
    (r"raw (\w+) opens a stream(?: to (\S+))?", Player.raw_opens),
    (r"raw (\w+) restarts with", Player.raw_restarts),
    (r"raw (\w+) starts tls", Player.raw_tls),
    (r"raw (\w+) does the tls handshake", Player.raw_handshake),
    (r"raw (\w+) authenticates as (\w+)", Player.raw_authenticates),
    (r"raw (\w+) binds(?: (\S+))?", Player.raw_binds),
    (r"(?:raw )?(\w+) (is offered|is not offered)", Player.offered),
    (r"skip unless (\w+) is offered", Player.skip_unless),
)]
