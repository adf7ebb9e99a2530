"""Other servers, for scenarios with `federation = true` in their configuration: each is one domain of
a few lines that the server under test finds in DNS.

    montague = Remote(stage, "montague.example")      # listens, answers in threads of its own
    stream = montague.connect().secure().dialback()   # and goes to the server
    stream.write(montague.message(to=stage.bare("romeo"), body="Hi"))
    stanza = montague.stanza()                        # the next one that the server delivers
"""

import hashlib
import hmac
import queue
import secrets
import socket
import ssl
import threading

from . import xmltree
from .connection import PATIENCE_S, Connection
from .errors import Closed, Failure, Timeout, check
from .scram import encode
from .xmltree import SASL, STREAM, TLS

SERVER = "jabber:server"
DIALBACK = "jabber:server:dialback"
MESSAGE, PRESENCE, IQ = (f"{{{SERVER}}}{name}" for name in ("message", "presence", "iq"))
RESULT, VERIFY = (f"{{{DIALBACK}}}{name}" for name in ("result", "verify"))


def dialback_key(secret, sender, receiver, stream_id):
    """XEP-0185 §3."""
    key = hashlib.sha256(secret.encode()).hexdigest().encode()
    text = f"{receiver} {sender} {stream_id}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def condition(element):
    """The condition of the error in a stanza or in an element of dialback; "" without."""
    for child in element:
        if xmltree.split(child.tag)[1] == "error" and len(child):
            return xmltree.split(child[0].tag)[1]
    return ""


class RemoteStream(Connection):
    """A stream between `remote` and the server under test, at either end."""

    def __init__(self, remote, name):
        super().__init__(name, remote.stage.transcript)
        self.remote = remote
        self.server = remote.stage.server
        self.features = None
        self.id = None
        self.asked_from = None  # at the receiving end: the domain that the header claims
        self.shown = None  # the certificate that the other end showed

    # At the initiating end.

    def open_stream(self, to=None, sender=None, version="1.0", namespace=SERVER):
        """Sends a header and takes the server's, with its features where there is a version."""
        self.reset()
        sender = self.remote.domain if sender is None else sender
        to = self.server.host if to is None else to
        given = "".join(f" {name}='{value}'" for name, value in
                        (("from", sender), ("to", to), ("version", version)) if value)
        self.write(f"<?xml version='1.0'?><stream:stream xmlns='{namespace}' "
                   f"xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}'{given}>")
        kind, header = self.event()
        if kind != "open":
            raise Failure(f"{self.name}: expected a stream header")
        self.id = header.get("id")
        if version:
            self.features = self.take(f"{{{STREAM}}}features")
        return self

    def take(self, tag):
        """The next element, which has this name."""
        element = self.element()
        if element.tag != tag:
            raise Failure(f"{self.name}: expected {tag}, got {xmltree.show(element, SERVER)}")
        return element

    def starttls(self, to=None):
        self.write(f"<starttls xmlns='{TLS}'/>")
        self.take(f"{{{TLS}}}proceed")
        self.certificate = self.remote.certificate
        self.start_tls(to or self.server.host)

    def secure(self, to=None, sender=None):
        """Up to the features inside TLS."""
        self.open_stream(to, sender)
        self.starttls(to)
        return self.open_stream(to, sender)

    def offers(self, namespace, name):
        return self.features.find(f"{{{namespace}}}{name}") is not None

    def offers_external(self):
        return any(each.text == "EXTERNAL" for each in self.features.iter(f"{{{SASL}}}mechanism"))

    def external(self, authzid=None, to=None, sender=None):
        """XEP-0178 §3; the stream is authenticated then."""
        check(self.offers_external(), f"{self.name}: EXTERNAL is not offered")
        self.write(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>"
                   f"{encode(authzid) if authzid else '='}</auth>")
        self.take(f"{{{SASL}}}success")
        return self.open_stream(to, sender)

    def ask_pair(self, sender=None, to=None, key=None):
        """Sends <db:result/> (XEP-0220 §2.1.1)."""
        sender, to = sender or self.remote.domain, to or self.server.host
        key = key or dialback_key(self.remote.secret, sender, to, self.id)
        self.write(f"<db:result from='{sender}' to='{to}'>{key}</db:result>")

    def dialback(self, sender=None, to=None, key=None):
        """The same, and the pair is accepted."""
        self.ask_pair(sender, to, key)
        answer = self.take(RESULT)
        check(answer.get("type") == "valid",
              f"{self.name}: dialback failed: {xmltree.show(answer, SERVER)}")
        return self

    # At the receiving end.

    def accept_header(self):
        """Takes a header, answers it and offers what the remote server offers."""
        kind, header = self.event()
        if kind != "open":
            raise Failure(f"{self.name}: expected a stream header")
        self.id = secrets.token_hex(8)
        self.asked_from, asked_to = header.get("from"), header.get("to")
        self.write(f"<?xml version='1.0'?><stream:stream xmlns='{SERVER}' "
                   f"xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}' id='{self.id}' "
                   f"from='{asked_to}' to='{self.asked_from}' version='1.0'>")
        if self.remote.redirect and self.tls == self.remote.redirects_in_tls:
            self.write("<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
                       f"{self.remote.redirect}</see-other-host></stream:error></stream:stream>")
            return
        self.write(f"<stream:features>{self.remote.features(self)}</stream:features>")

    def serve_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.remote.certificate)
        context.load_verify_locations(self.server.authority.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self.eof = True
            raise Closed(f"{self.name}: the TLS handshake failed: {error}") from error
        self.tls = True
        self.shown = self.socket.getpeercert()
        self.reset()

    def cut(self):
        """Ends the connection without a word; from any thread, unlike close()."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except (AttributeError, OSError):
            pass  # it is closed already

    def adopt(self, accepted):
        self.socket = accepted
        self.socket.settimeout(PATIENCE_S)
        self.note("--", "accepted")


class Remote:
    """The server of `domain` (and of what dialback asks it about): found in DNS, it answers each
    connection in a thread of its own until the scenario ends. What it does is changed by setting
    attributes before the server under test comes."""

    def __init__(self, stage, domain, certificate=None, listed=True, direct_tls=False,
                 address="127.0.0.1"):
        self.stage = stage
        self.domain = domain
        self.secret = secrets.token_hex(8)
        self.direct_tls = direct_tls
        self.certificate = certificate or stage.server.authority.server(domain, domain)
        self.offers_tls = True
        self.offers_external = True
        self.is_silent = False      # accepts connections and says nothing
        self.verdict = None         # of each <db:verify/>; None: what is true
        self.answer = "valid"       # to each <db:result/>: also "invalid", or a condition; None: none
        self.management = False     # XEP-0198: acknowledges what it is asked about
        self.redirect = None        # "192.0.2.1:5269": sends everybody there (RFC 6120 §4.9.3.19)
        self.redirects_in_tls = False  # says so inside TLS, and not before it
        self.streams = []           # that came
        self._inbox = queue.Queue()
        self._came = threading.Condition()
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        if listed:
            self.list()
        threading.Thread(target=self._accept, daemon=True).start()
        stage.keep(self)

    def list(self):
        """Into DNS."""
        dns, target = self.stage.server.dns, f"xmpp.{self.domain}"
        service = "_xmpps-server" if self.direct_tls else "_xmpp-server"
        dns.srv(self.domain, target, self.port, service=service)
        dns.address(target, "127.0.0.1")

    def close(self):
        """Nobody is there any more."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # accept() in the other thread returns
        except OSError:
            pass
        self._listener.close()
        for stream in self.streams:
            stream.cut()

    def connect(self, name=None, direct_tls=False):
        """A connection to the server under test."""
        stream = RemoteStream(self, name or f"{self.domain.split('.')[0]}>")
        self.stage.keep(stream)
        server = self.stage.server
        stream.connect(server.address, server.s2s_tls_port if direct_tls else server.s2s_port)
        if direct_tls:
            stream.certificate = self.certificate
            stream.start_tls(server.host, ["xmpp-server"])
        return stream

    def stanza(self, seconds=None):
        """The next stanza that came on any stream."""
        try:
            return self._inbox.get(timeout=PATIENCE_S if seconds is None else seconds)
        except queue.Empty:
            raise Timeout(f"{self.domain}: no stanza came in time") from None

    def nothing(self, seconds=0.3):
        """No stanza comes."""
        try:
            element = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return
        raise Failure(f"{self.domain}: got {xmltree.show(element, SERVER)}")

    def wait_for_stream(self, count=1, seconds=None):
        """The stream that came as number `count`."""
        seconds = PATIENCE_S if seconds is None else seconds
        with self._came:
            if not self._came.wait_for(lambda: len(self.streams) >= count, seconds):
                raise Timeout(f"{self.domain}: the server did not connect")
        return self.streams[count - 1]

    def message(self, to, body="", user="juliet", **attributes):
        given = "".join(f" {name}='{value}'" for name, value in attributes.items())
        inner = f"<body>{body}</body>" if body else ""
        return f"<message from='{user}@{self.domain}/balcony' to='{to}'{given}>{inner}</message>"

    # What it does in its threads.

    def features(self, stream):
        offered = ""
        if self.offers_tls and not stream.tls:
            offered += f"<starttls xmlns='{TLS}'/>"
        if self.offers_external and stream.shown:
            offered += f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
        if self.management:
            offered += "<sm xmlns='urn:xmpp:sm:3'/>"
        return offered + "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

    def _accept(self):
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            with self._came:
                stream = RemoteStream(self, f"{self.domain.split('.')[0]}{len(self.streams)}")
                stream.adopt(accepted)
                self.streams.append(stream)
                self._came.notify_all()
            if not self.is_silent:
                threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        try:
            if self.direct_tls:
                stream.serve_tls()
            stream.accept_header()
            count = 0
            while True:
                element = stream.element(600)
                if element.tag in (MESSAGE, PRESENCE, IQ):
                    count += 1
                    self._inbox.put(element)
                elif not self._negotiate(stream, element, count):
                    return
        except (Closed, Timeout, Failure, OSError) as end:
            stream.note("--", f"over: {end}")  # also when the scenario cuts the connection
        finally:
            stream.close()

    def _negotiate(self, stream, element, count):
        name = xmltree.split(element.tag)[1]
        if name == "starttls":
            stream.write(f"<proceed xmlns='{TLS}'/>")
            stream.serve_tls()
            stream.accept_header()
        elif name == "auth":
            stream.write(f"<success xmlns='{SASL}'/>")
            stream.shown = None
            stream.reset()
            stream.accept_header()
        elif element.tag == VERIFY:
            self._verify(stream, element)
        elif element.tag == RESULT:
            self._result(stream, element)
        elif name == "enable":
            stream.write("<enabled xmlns='urn:xmpp:sm:3'/>")
        elif name == "r":
            stream.write(f"<a xmlns='urn:xmpp:sm:3' h='{count}'/>")
        elif name == "error":
            return False
        return True

    def _verify(self, stream, element):
        sender, to, number = (element.get(name) for name in ("to", "from", "id"))
        true = dialback_key(self.secret, sender, to, number)
        verdict = self.verdict or ("valid" if element.text.strip() == true else "invalid")
        stream.write(f"<db:verify from='{sender}' to='{to}' id='{number}' type='{verdict}'/>")

    def _result(self, stream, element):
        ends = f"from='{element.get('to')}' to='{element.get('from')}'"
        if self.answer in ("valid", "invalid"):
            stream.write(f"<db:result {ends} type='{self.answer}'/>")
        elif self.answer:
            stream.write(f"<db:result {ends} type='error'><error type='cancel'><{self.answer} "
                         f"xmlns='{xmltree.STANZA_ERROR}'/></error></db:result>")

