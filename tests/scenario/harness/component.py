"""An external component's end of a stream (XEP-0114), for scenarios with a `component` in their
configuration."""

import hashlib

from . import xmltree
from .connection import Connection
from .errors import Failure

COMPONENT = "jabber:component:accept"
MESSAGE, PRESENCE, IQ = (f"{{{COMPONENT}}}{name}" for name in ("message", "presence", "iq"))


class Component(Connection):
    """One connection of the component `domain`."""

    def __init__(self, stage, domain, secret, name=None):
        super().__init__(name or domain.split(".")[0], stage.transcript)
        self.server = stage.server
        self.domain = domain
        self.secret = secret
        stage.keep(self)

    def connect_tcp(self, receive_buffer=None):
        super().connect(self.server.address, self.server.component_port, receive_buffer)

    def open_stream(self, to=None, namespace=COMPONENT):
        """Sends a stream header and takes the server's; its id."""
        self.write(f"<stream:stream to='{to or self.domain}' xmlns='{namespace}' "
                   f"xmlns:stream='{xmltree.STREAM}'>")
        kind, header = self.event()
        if kind != "open":
            raise Failure(f"{self.name}: expected a stream header")
        return header.get("id")

    def digest(self, stream_id):
        return hashlib.sha1((stream_id + self.secret).encode()).hexdigest()

    def handshake(self, stream_id):
        self.write(f"<handshake>{self.digest(stream_id)}</handshake>")

    def attach(self, receive_buffer=None):
        """Connects and gets in."""
        self.connect_tcp(receive_buffer)
        self.handshake(self.open_stream())
        answer = self.element()
        if answer.tag != f"{{{COMPONENT}}}handshake":
            raise Failure(f"{self.name}: not accepted: {xmltree.show(answer, COMPONENT)}")
        return self

    send = Connection.write
    receive = Connection.element

    def error(self):
        """The condition of the stanza error that comes next."""
        element = self.receive()
        found = element.find(f"{{{COMPONENT}}}error")
        if element.get("type") != "error" or found is None:
            raise Failure(f"{self.name}: expected an error: {xmltree.show(element, COMPONENT)}")
        return xmltree.split(found[0].tag)[1]
