"""Clients who send: messages with <r/> often, roster changes, lines that are cut in between."""

import time

from book import Change, Message, Roster
from harness.errors import Failure
from harness.xmltree import CLIENT
from managed import Managed

OPEN_MAX = 150  # stanzas without an acknowledgement, then a sender waits
CONTACTS = 12
ROSTER = "jabber:iq:roster"


class Sender:
    """One account that sends to `recipients`. `random` is of this sender alone."""

    def __init__(self, server, account, recipients, book, random):
        self.account = account
        self.recipients = recipients
        self.book = book
        self.random = random
        self.client = Managed(server, account, "desk")
        self.roster = Roster()
        self.changes = {}
        self.number = 0

    def begin(self):
        self.client.forget()
        self.client.enter()

    def traffic(self):
        """Sends until the connection ends by the server's death."""
        while not self.client.eof:
            self._burst()
            self._listen(self.random.uniform(0.0, 0.03))
            while len(self.client.sent) - self.client.acknowledged > OPEN_MAX:
                if self.client.eof:
                    return
                self.client.ask()
                self._listen(0.05)
            if self.random.random() < 0.02:
                self._cut()

    def come_back(self, seconds):
        """After the server's death: a new session; what was not counted is sent again or not, and
        everything that is sent is acknowledged within `seconds`."""
        if self.client.enter() is not None:
            raise Failure(f"{self.account.user}: a session outlived kill -9")
        again = [m for m in self.client.lost if isinstance(m, Message)]
        self.book.count("not acknowledged at a kill", len(again))
        if self.random.random() < 0.7:
            self.book.count("of these sent again", len(again))
            for message in again:
                message.copies += 1
                self.client.put(message.text(), message)
        deadline = time.monotonic() + seconds
        while self.client.acknowledged < len(self.client.sent):
            self.client.ask()
            self._listen(0.1)
            if self.client.eof or time.monotonic() > deadline:
                raise Failure(f"{self.account.user}: {len(self.client.sent)} stanzas were sent, "
                              f"{self.client.acknowledged} acknowledged in {seconds} s")

    def _burst(self):
        for _ in range(self.random.randint(1, 8)):
            if self.random.random() < 0.15:
                self.number += 1
                contact = f"c{self.random.randrange(CONTACTS)}@example.net"
                name = None if self.random.random() < 0.2 else f"n{self.number}"
                change = Change(self.number, contact, name)
                self.roster.add(change)
                self.changes[change.id] = change
                self.client.put(change.text(), change)
                self.book.count("roster changes")
            else:
                self.message()
        self.client.ask()

    def message(self):
        """Sends the next message to one of the recipients."""
        self.number += 1
        message = Message(self.account, self.random.choice(self.recipients), self.number)
        self.book.add(message)
        self.client.put(message.text(), message)

    def _listen(self, seconds):
        stanzas, asked, _ = self.client.step(seconds)
        for stanza in stanzas:
            self.client.taken += 1
            kind, identity = stanza.get("type"), stanza.get("id", "")
            if stanza.tag == f"{{{CLIENT}}}message" and kind == "error":
                self.book.messages[identity.partition("/")[0]].refused = True
                self.book.count("refused")
            elif identity in self.changes:
                change = self.changes.pop(identity)
                change.sure = True
                # Removing whom is not there is answered with an error, and he is not there.
                if kind != "result" and change.name is not None:
                    self.book.problem(f"{self.account.user}: {identity} was answered with {kind}")
                self.book.count("roster changes answered")
        if asked:
            self.client.tell()

    def _cut(self):
        """Loses the line and comes back: what was not counted is sent once more, and no more than
        once is it there."""
        self.client.drop()
        rest = self.client.enter()
        if rest is None:
            raise Failure(f"{self.account.user}: the session was gone after a cut line")
        self.book.count("sessions resumed")
        for what in rest:
            self.client.put(what.text(), what)
