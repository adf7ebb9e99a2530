"""What two servers say to each other: presence, subscriptions, queries (RFC 6121, RFC 6120 §8)."""

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import IQ, PRESENCE, Remote, condition
from harness.stage import scenario
from harness.xmltree import CLIENT

CONFIG = "federation = true"
MONTAGUE = "montague.example"
JULIET = f"juliet@{MONTAGUE}"
ROSTER = "jabber:iq:roster"


class World:
    """romeo, who is online, and juliet's server with a stream to his."""

    def __init__(self, stage, interested=True):
        self.montague = Remote(stage, MONTAGUE)
        self.stream = self.montague.connect().secure().external()
        self.romeo = stage.client("romeo").online(interested=interested)
        self.bare = stage.bare("romeo")

    def presence(self, kind="", to=None, sender=JULIET):
        given = f" type='{kind}'" if kind else ""
        self.stream.write(f"<presence from='{sender}' to='{to or self.bare}'{given}/>")

    def came(self, kind, sender=None):
        """The next stanza at juliet's server is this presence."""
        element = self.montague.stanza()
        check_equal((element.tag, element.get("type")), (PRESENCE, kind), "the presence")
        if sender:
            check_equal(element.get("from"), sender, "its sender")
        return element

    def got(self, name, kind, sender=None):
        """romeo's next stanza that is no roster push."""
        while True:
            element = self.romeo.receive()
            if element.find(f"{{{ROSTER}}}query") is None:
                break
        check_equal((xmltree.split(element.tag)[1], element.get("type")), (name, kind), "romeo's")
        if sender:
            check_equal(element.get("from"), sender, "its sender")
        return element

    def befriend(self):
        """A subscription in both directions."""
        self.romeo.send(f"<presence type='subscribe' to='{JULIET}'/>")
        self.came("subscribe", self.bare)
        self.presence("subscribed")
        self.got("presence", "subscribed", JULIET)
        self.presence("subscribe")
        self.got("presence", "subscribe", JULIET)
        self.romeo.send(f"<presence type='subscribed' to='{JULIET}'/>")
        self.came("subscribed", self.bare)
        self.came(None, self.romeo.jid)  # RFC 6121 §3.1.5: and his presence


@scenario(config=CONFIG)
def scenario_subscription(stage):
    """RFC 6121 §3: a subscription is asked for, approved, and ended, from both sides."""
    world = World(stage)
    world.befriend()
    world.presence(sender=f"{JULIET}/balcony")
    world.got("presence", None, f"{JULIET}/balcony")
    world.romeo.send("<presence><show>away</show></presence>")
    world.got("presence", None, world.romeo.jid)
    check_equal(world.came(None).find("{jabber:server}show").text, "away", "his presence")
    # §3.3: romeo ends his, juliet hears of it.
    world.romeo.send(f"<presence type='unsubscribe' to='{JULIET}'/>")
    world.came("unsubscribe", world.bare)
    # §3.2: romeo takes hers back; she also learns that he is gone for her.
    world.romeo.send(f"<presence type='unsubscribed' to='{JULIET}'/>")
    seen = [(e.get("type"), e.get("from")) for e in (world.montague.stanza(),
                                                     world.montague.stanza())]
    check(("unsubscribed", world.bare) in seen, f"unsubscribed: {seen}")
    check(("unavailable", world.romeo.jid) in seen, f"unavailable: {seen}")


@scenario(config=CONFIG)
def scenario_probes(stage):
    """RFC 6121 §4.3: probes are answered to contacts, and sent to them at login."""
    world = World(stage)
    world.befriend()
    world.presence("probe")
    world.came(None, world.romeo.jid)
    # §4.3.2: of a stranger, romeo's server says that he may not.
    world.presence("probe", sender="stranger@montague.example")
    element = world.montague.stanza()
    check_equal((element.get("type"), element.get("to")),
                ("unsubscribed", "stranger@montague.example"), "the answer to a stranger")
    world.romeo.disconnect()
    world.came("unavailable", world.romeo.jid)
    world.romeo = stage.client("romeo", name="again").online()
    seen = {world.montague.stanza().get("type") for _ in range(2)}
    check_equal(seen, {"probe", None}, "what a login sends")


@scenario(config=CONFIG)
def scenario_directed_presence(stage):
    """RFC 6121 §4.6: presence to one who is no contact, and its end at logout."""
    world = World(stage)
    world.romeo.send(f"<presence to='{JULIET}/balcony'/>")
    world.came(None, world.romeo.jid)
    world.romeo.drop()
    world.came("unavailable", world.romeo.jid)


@scenario(config=CONFIG)
def scenario_queries_in(stage):
    """RFC 6120 §8.2.3: each query is answered once, by server, account or client."""
    world = World(stage)
    host = stage.server.host
    world.stream.write(f"<iq type='get' id='q1' from='{MONTAGUE}' to='{host}'>"
                       "<ping xmlns='urn:xmpp:ping'/></iq>")
    answer = world.montague.stanza()
    check_equal((answer.tag, answer.get("type"), answer.get("id"), answer.get("from"),
                 answer.get("to")), (IQ, "result", "q1", host, MONTAGUE), "the answer")
    world.stream.write(f"<iq type='get' id='q2' from='{JULIET}/b' to='{world.romeo.jid}'>"
                       "<query xmlns='jabber:iq:version'/></iq>")
    asked = world.got("iq", "get", f"{JULIET}/b")
    world.romeo.send(f"<iq type='result' id='q2' to='{JULIET}/b'>"
                     "<query xmlns='jabber:iq:version'><name>it</name></query></iq>")
    check_equal(asked.get("id"), "q2", "the id")
    answer = world.montague.stanza()
    check_equal((answer.get("type"), answer.get("id")), ("result", "q2"), "the client's answer")
    check(answer.find("{jabber:iq:version}query/{jabber:iq:version}name") is not None,
          "its payload")
    for to in (f"nobody-at-all@{host}", f"nobody-at-all@{host}/r", f"{world.bare}/gone"):
        world.stream.write(f"<iq type='get' id='q3' from='{JULIET}/b' to='{to}'>"
                           "<query xmlns='jabber:iq:version'/></iq>")
        answer = world.montague.stanza()
        check_equal((answer.get("type"), condition(answer)), ("error", "service-unavailable"),
                    f"the answer of {to}")


@scenario(config=CONFIG)
def scenario_queries_out(stage):
    """A query to another server, and its answer."""
    world = World(stage)
    world.romeo.send(f"<iq type='get' id='v1' to='{MONTAGUE}'>"
                     "<query xmlns='jabber:iq:version'/></iq>")
    asked = world.montague.stanza()
    check_equal((asked.tag, asked.get("from")), (IQ, world.romeo.jid), "the query")
    # Somebody else's answer is none.
    world.stream.write(f"<iq type='result' id='v1' from='{JULIET}' to='{world.romeo.jid}/x'/>")
    world.stream.write(f"<iq type='result' id='v1' from='{MONTAGUE}' to='{world.romeo.jid}'>"
                       "<query xmlns='jabber:iq:version'><name>theirs</name></query></iq>")
    answer = world.got("iq", "result", MONTAGUE)
    check_equal(answer.find("{jabber:iq:version}query/{jabber:iq:version}name").text, "theirs",
                "its payload")


@scenario(config=CONFIG)
def scenario_errors(stage):
    """RFC 6121 §8.5: a message to nobody goes back as an error; errors come and go, unanswered."""
    world = World(stage)
    world.stream.write(world.montague.message(to=f"nobody-at-all@{stage.server.host}", body="Hi",
                                              id="m1", type="chat"))
    answer = world.montague.stanza()
    check_equal((answer.get("id"), answer.get("type"), condition(answer)),
                ("m1", "error", "service-unavailable"), "the answer")
    error = ("<error type='cancel'><item-not-found "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    world.stream.write(f"<message from='{JULIET}' to='{world.romeo.jid}' type='error' id='e1'>"
                       f"{error}</message>")
    came = world.got("message", "error", JULIET)
    check(came.find(f"{{{CLIENT}}}error") is not None, "the error lost its content")
    world.stream.write(f"<message from='{JULIET}' to='nobody-at-all@{stage.server.host}' "
                       f"type='error' id='e2'>{error}</message>")
    world.montague.nothing(0.5)


@scenario(config=CONFIG)
def scenario_foreign_roster(stage):
    """RFC 6121 §2.1.6: nobody elsewhere reads or changes a roster here."""
    world = World(stage)
    for kind, inner in (("get", ""), ("set", f"<item jid='{JULIET}' subscription='both'/>")):
        world.stream.write(f"<iq type='{kind}' id='r' from='{JULIET}/b' to='{world.bare}'>"
                           f"<query xmlns='{ROSTER}'>{inner}</query></iq>")
        answer = world.montague.stanza()
        check_equal(answer.get("type"), "error", "the answer")
    # A push that is none: it goes to the client, who sees from whom it is, or to nobody.
    world.romeo.iq("get", f"<query xmlns='{ROSTER}'/>")


@scenario(config=CONFIG)
def scenario_offline(stage):
    """XEP-0160: a message for one who is not there is kept and comes later."""
    world = World(stage)
    juliet = stage.bare("juliet")
    world.stream.write(world.montague.message(to=juliet, body="later", id="m1", type="chat"))
    world.stream.write(f"<iq type='get' id='q' from='{MONTAGUE}' to='{stage.server.host}'>"
                       "<ping xmlns='urn:xmpp:ping'/></iq>")
    world.montague.stanza()  # the ping: the message was dealt with
    client = stage.client("juliet").online()
    came = client.receive()
    check_equal((came.get("id"), came.get("from")), ("m1", f"{JULIET}/balcony"), "the message")
