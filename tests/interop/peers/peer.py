"""What every client can be asked to do, and how one waits for what it sees."""

import queue
import time


class PeerFailed(Exception):
    """The client did not see what it had to see."""


class Peer:
    """One client with one account. `address` and `port` are where the server listens."""

    name = "?"
    has_roster = True  # shows its roster and exchanges presence
    may_use_plain = False
    # The mechanism of its next login without the password (XEP-0484); None: it cannot.
    returns_with = None
    # After its connection broke: "resumed" (XEP-0198), "anew" with another session; None: it ends.
    comes_back = None

    @classmethod
    def missing(cls):
        """Why this client cannot be run here, or None."""
        raise NotImplementedError

    @classmethod
    def build(cls, folder):
        """Builds or installs what is needed, once."""

    def __init__(self, account, server, folder):
        self.account = account
        self.server = server
        self.folder = folder
        self.events = []
        self._new = queue.Queue()

    def start(self):
        raise NotImplementedError

    def presence(self):
        raise NotImplementedError

    def roster(self):
        raise NotImplementedError

    def subscribe(self, bare):
        raise NotImplementedError

    def send(self, bare, text):
        raise NotImplementedError

    def again(self):
        """Ends its session and logs in anew, in the same process."""
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def saw(self, *event):
        """Notes an event: online, roster, presence, message, offline or failed, with its words."""
        self._new.put(event)

    def wait(self, kind, wanted=lambda *_: True, seconds=20):
        """The words of the first event of this kind that is `wanted`, old or new."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event[0] == kind and wanted(*event[1:]):
                    self.events.remove(event)
                    return event[1:]
            try:
                event = self._new.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                seen = "; ".join(" ".join(e) for e in self.events[-8:]) or "nothing"
                raise PeerFailed(f"{self.name} waited for {kind} in vain; saw: {seen}") from None
            if event[0] == "failed":
                raise PeerFailed(f"{self.name}: {' '.join(event[1:])}")
            self.events.append(event)
