"""What must be there after a restart: archives, rosters, and what came of offline messages."""

import collections

from harness.client import Client
from harness.errors import Failure
from harness.xmltree import CLIENT
from managed import Recent

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
AFTER_KILL_S = 2.0  # what a recipient told so shortly before a kill may not be on disk yet


class Reader:
    """Asks for one account's archive and roster, from where it left off."""

    def __init__(self, server, account):
        self.server = server
        self.account = account
        self.forget()

    def forget(self):
        """The next read() begins with the first message."""
        self.ids = {}  # of all rows: id -> body
        self.counts = collections.Counter()
        self._last = ""

    def _login(self):
        client = Client(self.server, self.account.name, self.account, "reader", Recent())
        client.connect_tcp()
        client.open_stream()
        client.authenticate("SCRAM-SHA-1")
        client.open_stream()
        client.bind("reader")
        return client

    def read(self):
        """What has come since the last time. That the last id is found again is checked by the way:
        an <after/> that does not exist is an error."""
        client = self._login()
        while not self._page(client):
            pass
        client.disconnect()

    def _page(self, client):
        after = f"<after>{self._last}</after>" if self._last else ""
        client.send(f"<iq type='set' id='page'><query xmlns='{MAM}'><set xmlns='{RSM}'>"
                    f"<max>250</max>{after}</set></query></iq>")
        while True:
            stanza = client.receive()
            result = stanza.find(f"{{{MAM}}}result")
            if result is not None:
                self._last = result.get("id")
                body = result.findtext(f".//{{{CLIENT}}}body")
                if self._last in self.ids:
                    raise Failure(f"{self.account.user}: the archive has {self._last} twice")
                self.ids[self._last] = body
                self.counts[body] += 1
            elif stanza.get("id") == "page":
                fin = stanza.find(f"{{{MAM}}}fin")
                if fin is None:
                    raise Failure(f"{self.account.user}: no page of the archive after "
                                  f"{self._last or 'the beginning'}: {stanza.get('type')}")
                return fin.get("complete") == "true"

    def roster(self):
        """contact -> name."""
        client = self._login()
        answer = client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        client.disconnect()
        return {item.get("jid"): item.get("name") for item in answer[0]}

    def never_archive(self):
        client = self._login()
        answer = client.iq("set", f"<prefs xmlns='{MAM}' default='never'><always/><never/></prefs>")
        client.disconnect()
        if answer.get("type") != "result":
            raise Failure(f"{self.account.user}: the preferences were refused")


def wrong_counts(where, messages, counts):
    """Sentences about messages that are not there as often as they must be."""
    return [f"{where}: '{m.body}' is there {counts.get(m.body, 0)} times; acknowledged: "
            f"{m.acknowledged}, copies sent: {m.copies}"
            for m in messages if not m.fits(counts.get(m.body, 0))]


def wrong_ids(where, seen, ids, messages):
    """Sentences about archive ids that somebody saw in a message which is there for sure."""
    out = []
    for identity, body in seen.items():
        message = messages[body]
        known = message.acknowledged and message.copies == 1
        if ids.get(identity, None if known else body) != body:
            out.append(f"{where}: the id {identity} of '{body}' names {ids.get(identity)!r}")
    return out


def wrong_deliveries(where, messages, got, kills):
    """The same for one who received live and stored ones without an archive."""
    out = []
    for message in messages:
        copies = got.get(message.body, [])
        if message.acknowledged and not message.refused and not copies:
            out.append(f"{where}: '{message.body}' was acknowledged and never came")
        # A copy that was acknowledged for sure is the last one, unless the server died just then.
        done = [c for c in copies[:-1] if c.sure
                and not any(0 <= kill - c.when < AFTER_KILL_S for kill in kills)]
        if len(done) >= message.copies:
            out.append(f"{where}: '{message.body}' came again after it was acknowledged")
    return out
