"""XEP-0160 with XEP-0198: stored messages leave the disk when their receiver has them, and go through
a stream as fast as its client takes them."""

import time

from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

SM = "urn:xmpp:sm:3"
DELAY = "urn:xmpp:delay"


class Reader:
    """A client with stream management. Takes what comes, in order, and counts it; answers <r/> only
    while `acknowledges`."""

    def __init__(self, client, acknowledges):
        self.client = client
        self.acknowledges = acknowledges
        self.stanzas = 0
        self.got = []
        self.delays = []

    @classmethod
    def online(cls, stage, resource, acknowledges=False, resume="false"):
        client = stage.client("juliet", resource)
        client.login()
        client.send(f"<enable xmlns='{SM}' resume='{resume}'/><presence/>")
        return cls(client, acknowledges)

    def take(self, count, seconds=20, pause=0.0):
        """Reads until `count` messages are there."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count:
            check(time.monotonic() < deadline, f"only {len(self.got)} of {count} messages came")
            element = self.client.element(seconds)
            if element.tag == f"{{{SM}}}r" and self.acknowledges:
                self.acknowledge()
            elif element.tag.startswith(f"{{{CLIENT}}}"):
                self.stanzas += 1
                if element.tag == f"{{{CLIENT}}}message":
                    self.got.append(element.get("id"))
                    self.delays.append(len(element.findall(f"{{{DELAY}}}delay")))
                    time.sleep(pause)
        return self

    def acknowledge(self):
        self.client.send(f"<a xmlns='{SM}' h='{self.stanzas}'/>")

    def settle(self):
        """What was acknowledged has reached the server."""
        self.acknowledge()
        self.client.ignored.append(lambda e: e.tag.startswith(f"{{{SM}}}"))
        self.client.ping()
        time.sleep(0.2)  # and the disk

    def nothing_more(self):
        self.client.ignored.append(lambda e: e.tag.startswith(f"{{{SM}}}"))
        more = [e.get("id") for e in self.client.collect(0.4) if e.tag == f"{{{CLIENT}}}message"]
        check_equal(more, [], "what came besides")


def fill(stage, count, size=10, first=0, to=None):
    """Messages m0, m1 … of `size` bytes to Juliet, who is away; on disk when this returns."""
    romeo = stage.client("romeo", f"fill{first}")
    romeo.login()
    for n in range(first, first + count):
        romeo.send(f"<message to='{to or stage.bare('juliet')}' type='chat' id='m{n}'>"
                   f"<body>{'x' * size}</body></message>")
    romeo.send(f"<enable xmlns='{SM}'/>")
    romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='m{first + count}'>"
               f"<body>last</body></message><r xmlns='{SM}'/>")
    romeo._take_first(lambda e: e.tag == f"{{{SM}}}a" and e.get("h") == "1", "the count")
    romeo.disconnect()
    return [f"m{n}" for n in range(first, first + count + 1)]


@scenario(fresh=True, differs={"prosody": "erases what it hands over"})
def scenario_erased_when_acknowledged(stage):
    """XEP-0198 §4: a message leaves the disk when its receiver has acknowledged it, not before."""
    sent = fill(stage, 4)
    for _ in range(2):
        first = Reader.online(stage, "balcony").take(len(sent))
        check_equal(first.got, sent, "the messages")
        stage.kill()
        stage.start()
    again = Reader.online(stage, "balcony").take(len(sent))
    check_equal(again.got, sent, "what was not acknowledged, after a kill")
    check_equal(again.delays, [1] * len(sent), "the delays")
    again.stanzas -= 2
    again.settle()
    stage.kill()
    stage.start()
    rest = Reader.online(stage, "balcony").take(2)
    check_equal(rest.got, sent[-2:], "the two that were not acknowledged")
    rest.settle()
    Reader.online(stage, "later").nothing_more()


@scenario(differs={"prosody": "erases what it hands over"})
def scenario_one_session_has_them(stage):
    """What one session holds is not given to another; it comes to it when the first one goes."""
    sent = fill(stage, 70)
    one = Reader.online(stage, "one").take(len(sent))
    two = Reader.online(stage, "two")
    two.client.own_presence()
    two.stanzas += 1
    two.nothing_more()
    one.client.drop()
    two.client.ignored.clear()
    two.take(len(sent))
    check_equal(two.got, sent, "the messages that the first session had not acknowledged")
    check_equal(two.delays, [1] * len(sent), "the delays")
    two.client.drop()
    three = Reader.online(stage, "three").take(len(sent))
    check_equal(three.got, sent, "the messages, in their place")
    three.settle()
    Reader.online(stage, "four").nothing_more()


@scenario(fresh=True, differs={"prosody": "has no such store"})
def scenario_over_a_restart(stage):
    """A session that goes on over a restart holds the stored messages still."""
    sent = fill(stage, 9)
    juliet = stage.client("juliet", "balcony")
    juliet.login()
    juliet.send(f"<enable xmlns='{SM}' resume='true'/>")
    identity = juliet._take_first(lambda e: e.tag == f"{{{SM}}}enabled", "enabled").get("id")
    juliet.send("<presence/>")
    first = Reader(juliet, False).take(len(sent))
    stage.restart()
    Reader.online(stage, "other").nothing_more()
    again = stage.client("juliet", "again")
    again.secure()
    again.authenticate("SCRAM-SHA-1")
    again.open_stream()
    again.send(f"<resume xmlns='{SM}' previd='{identity}' h='{first.stanzas - 3}'/>")
    again.jid = None
    reader = Reader(again, False).take(3)
    check_equal(reader.got, sent[-3:], "what was missed")
    again.ignored.append(lambda e: e.tag.startswith(f"{{{SM}}}"))
    again.ping()
    time.sleep(0.2)  # what she has acknowledged leaves the disk
    stage.kill()
    stage.start()
    last = Reader.online(stage, "last").take(3)
    check_equal(last.got, sent[-3:], "what was never acknowledged, after a kill")


@scenario(config="limits = { rate = '0' }", differs={"prosody": "keeps as much as comes"})
def scenario_a_full_mailbox(stage):
    """Everything that was kept comes once and in order to who acknowledges, and the session lives."""
    sent = fill(stage, 280, 30_000)
    reader = Reader.online(stage, "balcony", acknowledges=True).take(len(sent), 60)
    check_equal(reader.got, sent, "the messages")
    reader.settle()
    Reader.online(stage, "later").nothing_more()


def slow_client(stage, resource):
    """One whose kernel takes next to nothing off the server's hands."""
    client = stage.client("juliet", resource)
    client.connect_tcp(receive_buffer=4096)
    client.open_stream()
    client.negotiate_tls()
    client.open_stream()
    client.authenticate("SCRAM-SHA-1")
    client.open_stream()
    client.bind(resource)
    return client


@scenario(config="limits = { rate = '0' }", differs={"prosody": "keeps as much as comes"})
def scenario_a_slow_reader(stage):
    """8 MiB to a client that reads slowly: all of it, in order, and what is sent meanwhile behind it."""
    sent = fill(stage, 280, 30_000)
    juliet = slow_client(stage, "balcony")
    juliet.send("<presence/>")
    time.sleep(1.5)
    romeo = stage.client("romeo")
    romeo.login()
    live = [f"live{n}" for n in range(20)]
    for identity in live:
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='{identity}'>"
                   f"<body>x</body></message>")
    romeo.send(f"<enable xmlns='{SM}'/>")
    romeo.ping()
    reader = Reader(juliet, False).take(len(sent) + len(live), 60, pause=0.002)
    check_equal(reader.got, sent + live, "the messages")
    later = Reader.online(stage, "later")
    later.client.own_presence()
    later.nothing_more()


@scenario(config="limits = { rate = '0' }\n[stream_management]\nwaiting_stanzas = 40",
          differs={"prosody": "keeps as much as comes"})
def scenario_a_reader_that_does_not_acknowledge(stage):
    """The hand-over waits for acknowledgements, and nobody has to wait for it."""
    sent = fill(stage, 99)
    reader = Reader.online(stage, "balcony").take(19)  # half of 40, with presence
    reader.nothing_more()
    romeo = stage.client("romeo")
    romeo.login()
    romeo.send(f"<enable xmlns='{SM}'/>")
    live = [f"live{n}" for n in range(5)]
    for identity in live:
        romeo.send(f"<message to='{stage.bare('juliet')}' type='chat' id='{identity}'>"
                   f"<body>x</body></message>")
    romeo.send(f"<r xmlns='{SM}'/>")
    romeo._take_first(lambda e: e.tag == f"{{{SM}}}a" and e.get("h") == str(len(live)), "the count")
    reader.client.ignored.clear()
    reader.acknowledges = True
    reader.acknowledge()
    reader.take(len(sent) + len(live))
    check_equal(reader.got, sent + live, "the messages")
