"""One connection to a server: bytes out, stream events in, everything written to a transcript."""

import select
import socket
import ssl
import time
import xml.parsers.expat

from . import binding, xmltree
from .errors import Closed, Failure, Timeout

PATIENCE_S = 5.0  # how long an expected thing may take; `run --patience` changes it


class Transcript:
    """What went over the wires of one scenario, in order."""

    def __init__(self):
        self._start = time.monotonic()
        self._lines = []

    def add(self, who, direction, text):
        self._lines.append((time.monotonic() - self._start, who, direction, text))

    def extend(self, other):
        self._lines += other._lines

    def show(self, limit=300):
        for moment, who, direction, text in self._lines:
            if len(text) > limit:
                text = f"{text[:limit]} ... ({len(text)} characters)"
            yield f"{moment:8.3f} {who:>10} {direction} {text}"


class Connection:
    """A TCP or TLS connection that parses what comes as XML streams.

    `events` holds what was parsed and not yet taken; `text` what came since the last restart.
    """

    def __init__(self, name, transcript):
        self.name = name
        self.transcript = transcript
        self.socket = None
        self.tls = False
        self.eof = False
        self.certificate = None  # (chain, key) to show in TLS, paths
        self.reset()

    def reset(self):
        """A new stream: RFC 6120 §4.3.3."""
        self.parser = xmltree.StreamParser()
        self.header = None
        self.events = []
        self.text = ""
        self.broken = None

    def connect(self, address, port, receive_buffer=None):
        self.reset()
        self.tls = self.eof = False
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect((address, port))
        except OSError as error:
            self.close()
            raise Closed(f"{self.name}: no connection to port {port}: {error}") from error
        self.note("--", "connected")

    def start_tls(self, server_name, alpn=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=server_name)
        except (OSError, ssl.SSLError) as error:
            self.eof = True
            raise Closed(f"{self.name}: the TLS handshake failed: {error}") from error
        self.tls = True
        self.note("--", f"{self.socket.version()} {self.socket.cipher()[0]}")
        self.reset()

    def channel_binding(self, kind):
        return binding.data(kind, self.socket)

    def note(self, direction, text):
        self.transcript.add(self.name, direction, text)

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.note(">>", data.decode(errors="backslashreplace"))
        try:
            self.socket.settimeout(PATIENCE_S)
            self.socket.sendall(data)
        except (ConnectionError, ssl.SSLError, TimeoutError) as error:
            self.note("--", f"writing failed: {error}")

    def pump(self, seconds):
        """Reads what comes within `seconds`, at most one piece. False: nothing came."""
        if self.eof or self.socket is None:
            return False
        pending = self.tls and self.socket.pending()
        if not pending and not self._readable(seconds):
            return False
        try:
            self.socket.settimeout(max(seconds, 0.05))
            data = self.socket.recv(65536)
        except (ssl.SSLWantReadError, TimeoutError):
            return False
        except (ConnectionError, ssl.SSLError) as error:
            self.note("--", f"reading failed: {error}")
            data = b""
        if not data:
            self.eof = True
            self.note("--", "closed by the server")
            return True
        self._take(data)
        return True

    def _readable(self, seconds):
        waiting = select.poll()  # select() takes no descriptor above 1023
        waiting.register(self.socket, select.POLLIN)
        return bool(waiting.poll(max(seconds, 0) * 1000))

    def _take(self, data):
        text = data.decode(errors="backslashreplace")
        self.note("<<", text)
        self.text += text
        if self.broken:
            return
        try:
            for kind, value in self.parser.feed(data):
                if kind == "open":
                    self.header = value
                self.events.append((kind, value))
        except xml.parsers.expat.ExpatError as error:
            self.broken = str(error)

    def event(self, seconds=None):
        """The next event; fails when none comes in time or the connection ends."""
        deadline = time.monotonic() + (PATIENCE_S if seconds is None else seconds)
        while not self.events:
            if self.broken:
                raise Failure(f"{self.name}: the server sent bad XML: {self.broken}")
            if self.eof:
                raise Closed(f"{self.name}: the server closed the connection")
            if not self.pump(deadline - time.monotonic()) and time.monotonic() >= deadline:
                raise Timeout(f"{self.name}: nothing came in time")
        return self.events.pop(0)

    def element(self, seconds=None):
        """The next element of the stream."""
        kind, value = self.event(seconds)
        if kind == "open":
            kind, value = self.event(seconds)
        if kind == "close":
            raise Closed(f"{self.name}: the server closed the stream")
        return value

    def read_until(self, wanted, seconds=None):
        """Waits until the text that came since the last restart holds `wanted`."""
        deadline = time.monotonic() + (PATIENCE_S if seconds is None else seconds)
        while wanted not in self.text:
            if self.eof:
                raise Closed(f"{self.name}: closed before '{wanted}' came")
            if not self.pump(deadline - time.monotonic()) and time.monotonic() >= deadline:
                raise Timeout(f"{self.name}: '{wanted}' did not come in time")
        self.text = self.text.partition(wanted)[2]

    def quiet(self, seconds):
        """Takes in whatever comes for `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.eof and time.monotonic() < deadline:
            self.pump(deadline - time.monotonic())

    def stream_error(self, condition, seconds=None):
        """Expects <stream:error/> with `condition` (or one of "a or b"), then the end.

        RFC 6120 §4.9.1.2: the error comes inside a stream of the server's own, which ends with it.
        """
        while True:
            kind, element = self.event(seconds)
            if kind == "close":
                raise Failure(f"{self.name}: the stream ended without an error")
            if kind == "element" and element.tag == f"{{{xmltree.STREAM}}}error":
                break
            if kind == "element" and element.tag != f"{{{xmltree.STREAM}}}features":
                raise Failure(f"{self.name}: expected a stream error, got {xmltree.show(element)}")
        names = [xmltree.split(child.tag) for child in element]
        allowed = [(xmltree.STREAM_ERROR, name) for name in condition.split(" or ")]
        if not any(name in allowed for name in names):
            raise Failure(f"{self.name}: expected the stream error {condition}, got "
                          f"{xmltree.show(element)}")
        self.closed(seconds)
        return element

    def closed(self, seconds=None):
        """Expects </stream:stream> if a stream is open, then the end of the connection."""
        if self.header is not None:
            kind, value = self.event(seconds)
            if kind != "close":
                raise Failure(f"{self.name}: expected the stream's end, got {xmltree.show(value)}")
        self.dropped(seconds)

    def dropped(self, seconds=None):
        """Expects the end of the connection; a half-closed one is closed from this side too."""
        deadline = time.monotonic() + (PATIENCE_S if seconds is None else seconds)
        while not self.eof:
            if not self.pump(deadline - time.monotonic()) and time.monotonic() >= deadline:
                raise Timeout(f"{self.name}: the server did not close the connection")
        if self.events:
            raise Failure(f"{self.name}: something came after the end: {self.events[0]}")
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.eof = True
