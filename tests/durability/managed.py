"""A client with stream management (XEP-0198): counts both directions, resumes or begins anew."""

import collections

from harness import xmltree
from harness.client import Client
from harness.connection import Transcript
from harness.errors import Closed, Failure
from harness.xmltree import CLIENT

SM = "urn:xmpp:sm:3"
STANZAS = {f"{{{CLIENT}}}{name}" for name in ("message", "presence", "iq")}


class Recent(Transcript):
    """Keeps the end of a transcript only: a round brings thousands of lines."""

    def __init__(self):
        super().__init__()
        self._lines = collections.deque(maxlen=60)


class Managed(Client):
    """`sent` holds what was sent since <enabled/>, in order: anything the caller likes, with a
    method acknowledge(). `taken` is what this client tells as its own h."""

    def __init__(self, server, account, resource):
        super().__init__(server, account.name, account, resource, Recent())
        self.previd = ""
        self.sent = []
        self.acknowledged = 0
        self.taken = 0

    def enter(self, presence=""):
        """Logs in; goes on with the last session if the server still has it.

        Returns None for a new session, else what the server did not get of the old one. After a
        new login `lost` holds that: what neither <a/> nor <failed h=…/> has counted.
        """
        self.lost = []
        self.connect_tcp()
        self.open_stream()
        self.authenticate("SCRAM-SHA-1")
        self.open_stream()
        if self.previd:
            self.write(f"<resume xmlns='{SM}' previd='{self.previd}' h='{self.taken}'/>")
            answer = self.element()
            self._count(answer)
            if answer.tag == f"{{{SM}}}resumed":
                rest, self.sent = self.sent[self.acknowledged:], self.sent[:self.acknowledged]
                return rest
            if answer.tag != f"{{{SM}}}failed":
                raise Failure(f"{self.name}: resuming was answered {xmltree.show(answer)}")
            self.lost = self.sent[self.acknowledged:]
        self.forget()
        self.bind(self.resource)
        self.write(f"<enable xmlns='{SM}' resume='true'/>")
        self.previd = self._take_first(lambda e: e.tag == f"{{{SM}}}enabled", "<enabled/>").get("id")
        if presence:
            self.put(presence)
        return None

    def forget(self):
        """The session is not to be resumed."""
        self.previd, self.sent, self.acknowledged, self.taken = "", [], 0, 0

    def put(self, text, what=None):
        """Sends one stanza."""
        self.sent.append(what)
        self.write(text)

    def ask(self):
        self.write(f"<r xmlns='{SM}'/>")

    def tell(self):
        """Acknowledges what was taken."""
        self.write(f"<a xmlns='{SM}' h='{self.taken}'/>")

    def step(self, seconds):
        """What came within `seconds`, as (stanzas, whether the server asked, how often it told)."""
        stanzas, asked, told = [], False, 0
        try:
            element = self.element(seconds) if self.events else self._first(seconds)
            while element is not None:
                if element.tag in STANZAS:
                    stanzas.append(element)
                asked |= element.tag == f"{{{SM}}}r"
                told += self._count(element)
                element = self.element(0) if self.events else None
        except Closed:
            self.eof = True
        return stanzas, asked, told

    def _first(self, seconds):
        self.pump(seconds)
        return self.element(0) if self.events else None

    def _count(self, element):
        """Takes <a/>, <resumed/> or <failed/> in; whether it was one with a count."""
        if xmltree.split(element.tag)[0] != SM or element.get("h") is None:
            return False
        h = int(element.get("h"))
        if h > len(self.sent):
            raise Failure(f"{self.name}: {xmltree.show(element, SM)}, but only {len(self.sent)} sent")
        # After a crash <failed/> may count less than was told before (docs/decisions/0012).
        if h < self.acknowledged and not element.tag.endswith("failed"):
            raise Failure(f"{self.name}: {xmltree.show(element, SM)} after {self.acknowledged}")
        for what in self.sent[self.acknowledged:h]:
            if what is not None:
                what.acknowledge()
        self.acknowledged = max(h, self.acknowledged)
        return True
