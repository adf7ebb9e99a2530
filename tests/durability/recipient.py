"""Clients who receive: one who is always there, and one who comes and goes."""

import collections
import time

from harness.errors import Failure
from harness.xmltree import CLIENT
from managed import Managed

BODY = f"{{{CLIENT}}}body"
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"


class Copy:
    """One copy of a message that was acknowledged, and whether the server surely knows that."""

    def __init__(self):
        self.when = time.monotonic()
        self.sure = False


class Recipient:
    """One account that receives. `got`: body -> the copies that this client acknowledged.
    What came and was not acknowledged counts as lost on the line when the line ends."""

    def __init__(self, server, account, book, random):
        self.account = account
        self.book = book
        self.random = random
        self.client = Managed(server, account, "phone")
        self.got = {}
        self.ids = {}  # of the archive, as seen in messages
        self.pending = []
        self.unread = 0  # stanzas in `pending`
        self.lazy = False  # does not answer <r/>; acknowledges now and then
        self._asked = collections.deque()  # for each <r/> that is out, what was told before it

    def come(self):
        """A session, with presence; an earlier one goes on if the server has it."""
        self.pending, self.unread = [], 0
        self._asked.clear()
        if self.client.enter("<presence/>") is not None:
            self.book.count("sessions resumed")

    def listen(self, seconds):
        """How many stanzas came."""
        stanzas, asked, told = self.client.step(seconds)
        for _ in range(min(told, len(self._asked))):
            for copy in self._asked.popleft():
                copy.sure = True
        for stanza in stanzas:
            self.unread += 1
            body = stanza.findtext(BODY)
            if stanza.tag != f"{{{CLIENT}}}message" or body is None:
                continue
            self.pending.append(body)
            for mark in stanza.findall(STANZA_ID):
                if mark.get("by") == self.account.bare:
                    self.ids[mark.get("id")] = body
        if asked and not self.lazy and not self.client.eof:
            self.acknowledge()
        return len(stanzas)

    def acknowledge(self):
        self.client.taken += self.unread
        self._asked.append([Copy() for _ in self.pending])
        for body, copy in zip(self.pending, self._asked[-1]):
            self.got.setdefault(body, []).append(copy)
        self.pending, self.unread = [], 0
        self.client.tell()
        self.client.ask()

    def stay(self):
        """Is there until the server dies."""
        while not self.client.eof:
            self.listen(0.2)

    def leave(self):
        """Acknowledges, waits until the server has taken that in, and closes the stream."""
        self.acknowledge()
        deadline = time.monotonic() + 10
        while self._asked and not self.client.eof and time.monotonic() < deadline:
            self.listen(0.1)
        if self._asked and not self.client.eof:
            raise Failure(f"{self.account.user}: <r/> was not answered")
        self.client.write("</stream:stream>")
        self.client.close()
        self.client.forget()

    def come_and_go(self, came):
        """Logs in, reads a while, and leaves, or loses the line with what it did not acknowledge;
        then comes again. `came` is called after each login."""
        while True:
            self.come()
            came()
            until = time.monotonic() + self.random.uniform(0.02, 0.4)
            while time.monotonic() < until and not self.client.eof:
                self.listen(0.02)
                often = 0.02 if self.lazy else 0.3
                if self.random.random() < often and self.pending and not self.client.eof:
                    self.acknowledge()
            if self.client.eof:
                return
            if self.random.random() < 0.5:
                self.leave()
            else:
                self.client.drop()
                if self.random.random() < 0.5:
                    self.client.forget()  # a new session instead of the old one
            time.sleep(self.random.uniform(0.0, 0.3))

    def collect(self, wanted, seconds):
        """Logs in anew and reads what waits, until every body of `wanted` is there and then until
        it is quiet; at most `seconds`."""
        self.come()
        deadline = time.monotonic() + seconds
        missing = set(wanted) - set(self.got)
        while missing and time.monotonic() < deadline and not self.client.eof:
            self.listen(0.1)
            if self.pending and not self.client.eof:
                self.acknowledge()
            missing -= self.got.keys()
        while self.listen(0.4):
            pass
        if self.client.eof:
            raise Failure(f"{self.account.user}: the session ended: {self.client.text[-300:]}")
        self.leave()
