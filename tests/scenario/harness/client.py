"""A client: logs in, sends stanzas, and takes them one after the other."""

import base64
import itertools

from . import connection, xmltree
from .connection import Connection
from .errors import Closed, Failure, Timeout
from .scram import HASHES, Scram, encode, plain
from .xmltree import BIND, CLIENT, SASL, STREAM, TLS

_ids = itertools.count(1)
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")


class SaslFailure(Failure):
    """The server answered <failure/>; `condition` is its name."""

    def __init__(self, element):
        names = [xmltree.split(child.tag)[1] for child in element]
        self.conditions = [name for name in names if name != "text"]
        self.condition = self.conditions[0] if self.conditions else ""
        super().__init__(f"authentication failed: {xmltree.show(element, SASL)}")


class Client(Connection):
    """One stream of an account. `server` is a drivers.Server; `account` may be None (raw)."""

    def __init__(self, server, name, account, resource, transcript):
        super().__init__(name, transcript)
        self.server = server
        self.account = account
        self.resource = resource
        self.host = account.host if account else server.host
        self.jid = None
        self.features = None
        self.ignored = []
        self.inbox = []

    # The steps of a login.

    def open_stream(self, host=None, extra=""):
        """Sends a stream header and takes the server's header and features."""
        self.reset()
        self.write(f"<?xml version='1.0'?><stream:stream to='{host or self.host}' version='1.0' "
                   f"xmlns='{CLIENT}' xmlns:stream='{STREAM}'{extra}>")
        self.features = self.element()
        if self.features.tag != f"{{{STREAM}}}features":
            raise Failure(f"{self.name}: expected features, got {xmltree.show(self.features)}")
        return self.features

    def offers(self, namespace, name):
        return self.features.find(f"{{{namespace}}}{name}") is not None

    def negotiate_tls(self, sni=None):
        self.write(f"<starttls xmlns='{TLS}'/>")
        answer = self.element()
        if answer.tag != f"{{{TLS}}}proceed":
            raise Failure(f"{self.name}: expected <proceed/>, got {xmltree.show(answer, TLS)}")
        self.start_tls(sni or self.host)

    def mechanisms(self):
        found = self.features.find(f"{{{SASL}}}mechanisms")
        return [] if found is None else [child.text for child in found]

    def authenticate(self, mechanism=None, password=None, user=None, binding=None, authzid=""):
        """SASL; `binding` names the channel binding of a -PLUS mechanism."""
        offered = self.mechanisms()
        mechanism = mechanism or next((m for m in MECHANISMS if m in offered), None)
        if mechanism not in offered:
            raise Failure(f"{self.name}: {mechanism} is not offered, only {offered}")
        user = user or self.account.user
        password = self.account.password if password is None else password
        if mechanism == "PLAIN":
            self.sasl_auth(mechanism, plain(user, password, authzid))
            self.sasl_answer("success")
            return
        flag, data = "n", b""
        if mechanism.endswith("-PLUS"):
            flag, data = f"p={binding}", self.channel_binding(binding)
        scram = Scram(mechanism, user, password, flag, data, authzid)
        self.sasl_auth(mechanism, encode(scram.first()))
        challenge = self.sasl_answer("challenge")
        self.write(f"<response xmlns='{SASL}'>{encode(scram.final(challenge))}</response>")
        scram.verify(self.sasl_answer("success"))

    def sasl_auth(self, mechanism, initial=""):
        self.write(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{initial}</auth>")

    def sasl_answer(self, expected):
        """The text of the expected SASL element, decoded."""
        element = self.element()
        if element.tag == f"{{{SASL}}}failure":
            raise SaslFailure(element)
        if element.tag != f"{{{SASL}}}{expected}":
            raise Failure(f"{self.name}: expected <{expected}/>, got {xmltree.show(element, SASL)}")
        text = (element.text or "").strip()
        return base64.b64decode(text, validate=True).decode() if text not in ("", "=") else ""

    def bind(self, resource=None):
        wanted = f"<resource>{resource}</resource>" if resource else ""
        answer = self.iq("set", f"<bind xmlns='{BIND}'>{wanted}</bind>")
        jid = answer.find(f"{{{BIND}}}bind/{{{BIND}}}jid")
        if answer.get("type") != "result" or jid is None:
            raise Failure(f"{self.name}: binding failed: {xmltree.show(answer)}")
        self.jid = jid.text
        return self.jid

    # Whole logins.

    def connect_tcp(self, direct_tls=False, sni=None, alpn=("xmpp-client",), receive_buffer=None):
        self.jid, self.inbox = None, []
        port = self.server.tls_port if direct_tls else self.server.port
        super().connect(self.server.address, port, receive_buffer)
        if direct_tls:
            self.start_tls(sni or self.host, list(alpn))

    def secure(self, direct_tls=False):
        """Up to the features that offer SASL."""
        self.connect_tcp(direct_tls)
        self.open_stream()
        if not direct_tls:
            self.negotiate_tls()
            self.open_stream()

    def login(self, mechanism=None, direct_tls=False, resource=None, **options):
        """Up to a bound resource. With SCRAM-SHA-1 tests are quickest, where it is offered."""
        self.secure(direct_tls)
        if mechanism is None and "SCRAM-SHA-1" in self.mechanisms():
            mechanism = "SCRAM-SHA-1"
        self.authenticate(mechanism, **options)
        self.open_stream()
        return self.bind(resource or self.resource)

    def online(self, presence="<presence/>", interested=False):
        """Logs in and sends initial presence; takes the reflection of RFC 6121 §4.2.2 in.

        `interested`: asks for the roster first, which brings its pushes (RFC 6121 §2.2).
        """
        self.login()
        if interested:
            self.iq("get", "<query xmlns='jabber:iq:roster'/>")
        self.write(presence)
        self.own_presence()
        return self

    def own_presence(self):
        wanted = f"{{{CLIENT}}}presence"
        self._take_first(lambda e: e.tag == wanted and e.get("from") == self.jid,
                         "own presence")

    # Stanzas.

    send = Connection.write

    def receive(self, seconds=None):
        """The next stanza, in the order in which they came."""
        if self.inbox:
            return self.inbox.pop(0)
        while True:
            element = self.element(seconds)
            if not any(ignored(element) for ignored in self.ignored):
                return element

    def _take_first(self, wanted, what):
        """The first stanza that is `wanted`; those before it stay in the inbox."""
        seen = []
        while True:
            try:
                element = self.receive()
            except Timeout as error:
                held = "".join("\n  " + xmltree.show(e) for e in seen)
                raise Timeout(f"{self.name}: {what} did not come; got:{held or ' nothing'}") from error
            if wanted(element):
                self.inbox = seen + self.inbox
                return element
            seen.append(element)

    def iq(self, kind, payload, to=None, fetch=True):
        """Sends an iq and returns its answer; other stanzas stay in the inbox."""
        identity = f"q{next(_ids)}"
        address = f" to='{to}'" if to else ""
        self.write(f"<iq type='{kind}' id='{identity}'{address}>{payload}</iq>")
        return self.answer(identity) if fetch else identity

    def answer(self, identity):
        return self._take_first(
            lambda e: e.tag == f"{{{CLIENT}}}iq" and e.get("id") == identity
            and e.get("type") in ("result", "error"), f"the answer to {identity}")

    def ping(self):
        """A round trip to the server: what came before it is in the inbox afterwards."""
        return self.iq("get", "<ping xmlns='urn:xmpp:ping'/>", self.host)

    def collect(self, seconds=0.25):
        """All stanzas that come within `seconds` and before the answer to a ping after it.

        On a busy machine, and where commits wait for a disk, `seconds` are stretched.
        """
        self.quiet(seconds * (1.5 + connection.PATIENCE_S / 4))
        self.ping()
        got, self.inbox = self.inbox, []
        return got

    def disconnect(self):
        """Closes the stream in order and waits for the server to do so."""
        self.write("</stream:stream>")
        try:
            while True:
                self.receive()
        except Closed:
            pass
        self.closed_by_us()

    def closed_by_us(self):
        self.quiet(connection.PATIENCE_S if not self.eof else 0)
        self.close()

    def drop(self):
        """Cuts the connection without a word."""
        self.note("--", "cut")
        self.close()
