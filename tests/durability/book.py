"""What was sent and what became of it: messages and roster changes, over all rounds."""

import threading


class Message:
    """One numbered message. `copies`: how often it may be there; more than once only where it was
    sent again although it may have arrived."""

    def __init__(self, sender, to, number):
        self.sender = sender
        self.to = to
        self.body = f"{sender.user} {number}"
        self.copies = 1
        self.acknowledged = False
        self.refused = False

    def acknowledge(self):
        self.acknowledged = True

    def text(self):
        return (f"<message to='{self.to.bare}' type='chat' id='{self.body}/{self.copies}'>"
                f"<body>{self.body}</body></message>")

    def fits(self, count):
        return (1 if self.acknowledged and not self.refused else 0) <= count <= self.copies


class Change:
    """One change of a contact in a roster; `name` None: it is removed."""

    def __init__(self, number, contact, name):
        self.id = f"roster-{number}"
        self.contact = contact
        self.name = name
        self.sure = False

    def acknowledge(self):
        self.sure = True

    def text(self):
        how = "subscription='remove'" if self.name is None else f"name='{self.name}'"
        return (f"<iq type='set' id='{self.id}'><query xmlns='jabber:iq:roster'>"
                f"<item jid='{self.contact}' {how}/></query></iq>")


class Roster:
    """One account's contacts: what is sure, and what may have happened since."""

    def __init__(self):
        self.history = {}

    def add(self, change):
        self.history.setdefault(change.contact, []).append(change)

    def wrong(self, found):
        """Sentences about contacts that are not as they must be; `found`: contact -> name."""
        out = [f"{contact} came from nowhere" for contact in found if contact not in self.history]
        for contact, changes in self.history.items():
            sure = max((i for i, change in enumerate(changes) if change.sure), default=None)
            allowed = [change.name for change in changes[sure or 0:]] + [None] * (sure is None)
            if found.get(contact) not in allowed:
                out.append(f"{contact} is {found.get(contact)!r}, not one of {allowed}")
            # What is there now is where the next round begins.
            changes[:] = [Change("", contact, found.get(contact))]
            changes[0].sure = True
        return out


class Book:
    """All that is known. Senders write from threads of their own."""

    def __init__(self):
        self.messages = {}
        self.problems = []
        self.figures = {}
        self.lock = threading.Lock()

    def add(self, message):
        with self.lock:
            self.messages[message.body] = message

    def count(self, what, number=1):
        with self.lock:
            self.figures[what] = self.figures.get(what, 0) + number

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def of(self, **wanted):
        """The messages whose fields are these."""
        return [m for m in self.messages.values()
                if all(getattr(m, key) == value for key, value in wanted.items())]
