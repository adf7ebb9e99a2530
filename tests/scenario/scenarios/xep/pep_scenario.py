"""XEP-0163: accounts as services, as avatars, encryption, bookmarks and cards use them."""

import base64
import hashlib
import itertools

from harness import xmltree
from harness.errors import check, check_equal
from harness.federation import Remote
from harness.stage import scenario

PUBSUB = "http://jabber.org/protocol/pubsub"
EVENT = PUBSUB + "#event"
CAPS = "http://jabber.org/protocol/caps"
INFO = "http://jabber.org/protocol/disco#info"
METADATA, DATA = "urn:xmpp:avatar:metadata", "urn:xmpp:avatar:data"
VCARD4 = "urn:xmpp:vcard4"
_software = itertools.count(1)


class Caps:
    """What a client announces (XEP-0115); each is software of its own, so that it is asked for."""

    def __init__(self, *nodes):
        features = sorted([INFO, f"urn:test:{id(self)}:{next(_software)}"]
                          + [node + "+notify" for node in nodes])
        text = "client/pc//<" + "".join(feature + "<" for feature in features)
        self.ver = base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()
        self.element = f"<c xmlns='{CAPS}' hash='sha-1' node='urn:test' ver='{self.ver}'/>"
        self.query = (f"<query xmlns='{INFO}' node='urn:test#{self.ver}'>"
                      "<identity category='client' type='pc'/>"
                      + "".join(f"<feature var='{feature}'/>" for feature in features) + "</query>")

    def answer(self, element, sender=""):
        """The answer to the question what is behind the hash."""
        return (f"<iq type='result' id='{element.get('id')}' to='{element.get('from')}'{sender}>"
                f"{self.query}</iq>")


def _announce(client, *nodes):
    caps = Caps(*nodes)
    client.login()
    client.send(f"<presence>{caps.element}</presence>")
    asked = client._take_first(
        lambda e: e.tag.endswith("}iq") and e.get("type") == "get"
        and e.find(f"{{{INFO}}}query") is not None, "the question for capabilities")
    check_equal(asked.find(f"{{{INFO}}}query").get("node"), f"urn:test#{caps.ver}", "the node")
    client.send(caps.answer(asked))
    return client


def _event(client):
    """The next message with an event: its sender, its node, and the element in it."""
    message = client._take_first(lambda e: e.find(f"{{{EVENT}}}event") is not None, "an event")
    inner = message.find(f"{{{EVENT}}}event")[0]
    return message, inner.get("node"), inner


def _request(client, content, kind="set", to=None, owner=""):
    return client.iq(kind, f"<pubsub xmlns='{PUBSUB}{owner}'>{content}</pubsub>", to)


def _form(kind, **fields):
    given = "".join(f"<field var='pubsub#{name}'><value>{value}</value></field>"
                    for name, value in fields.items())
    return ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
            f"<value>{PUBSUB}#{kind}</value></field>{given}</x>")


def _publish(client, node, identity, payload, **options):
    more = ""
    if options:
        more = f"<publish-options>{_form('publish-options', **options)}</publish-options>"
    answer = _request(client, f"<publish node='{node}'><item id='{identity}'>{payload}</item>"
                              f"</publish>{more}")
    return answer


def _items(client, node, to=None):
    answer = _request(client, f"<items node='{node}'/>", "get", to)
    check_equal(answer.get("type"), "result", xmltree.show(answer))
    return answer.findall(f".//{{{PUBSUB}}}item")


def _conditions(answer):
    check_equal(answer.get("type"), "error", xmltree.show(answer))
    error = answer.find("{jabber:client}error")
    return [xmltree.split(child.tag)[1] for child in error if not child.tag.endswith("}text")]


@scenario(differs={"prosody": "asks in another order"})
def scenario_avatar(stage):
    """XEP-0084: who sees the user is told of his avatar at once, and at login while he is away."""
    stage.befriend("romeo", "juliet")
    juliet = _announce(stage.client("juliet"), METADATA)
    romeo = stage.client("romeo").online()
    identity = hashlib.sha1(b"image").hexdigest()
    data = base64.b64encode(b"image").decode()
    _publish(romeo, DATA, identity, f"<data xmlns='{DATA}'>{data}</data>")
    answer = _publish(romeo, METADATA, identity,
                      f"<metadata xmlns='{METADATA}'><info bytes='5' id='{identity}' "
                      "type='image/png'/></metadata>")
    check_equal(answer.get("type"), "result", "publishing")
    message, node, items = _event(juliet)
    check_equal((message.get("from"), message.get("type"), node),
                (stage.bare("romeo"), "headline", METADATA), "the event")
    check_equal(items[0].get("id"), identity, "the item")
    fetched = _items(juliet, DATA, stage.bare("romeo"))
    check_equal(fetched[0][0].text, data, "the image")
    romeo.disconnect()
    again = _announce(stage.client("juliet", name="again"), METADATA)
    message, node, items = _event(again)
    check_equal((node, items[0].get("id")), (METADATA, identity), "the last item")
    check(message.find("{urn:xmpp:delay}delay") is not None, "the last item has its time")


@scenario(users="romeo juliet", differs={"prosody": "tells strangers what is not theirs"})
def scenario_device_list(stage):
    """XEP-0384: keys that everybody may read; options of publishing are conditions."""
    node = "eu.siacs.conversations.axolotl.devicelist"
    payload = "<list xmlns='eu.siacs.conversations.axolotl'><device id='1'/></list>"
    romeo, juliet = stage.client("romeo").online(), stage.client("juliet").online()
    first = _publish(romeo, node, "current", payload, access_model="open")
    check_equal(first.get("type"), "result", "publishing with options")
    closed = _publish(romeo, node, "current", payload, access_model="whitelist")
    check_equal(_conditions(closed), ["conflict", "precondition-not-met"], "other options")
    configuration = _request(romeo, f"<configure node='{node}'>"
                             f"{_form('node_config', access_model='presence')}</configure>",
                             owner="#owner")
    check_equal(configuration.get("type"), "result", "configuring")
    hidden = _request(juliet, f"<items node='{node}'/>", "get", stage.bare("romeo"))
    check_equal(_conditions(hidden), ["service-unavailable"], "a stranger at a closed node")
    _request(romeo, f"<configure node='{node}'>{_form('node_config', access_model='open')}"
                    "</configure>", owner="#owner")
    check_equal(len(_items(juliet, node, stage.bare("romeo"))), 1, "a stranger at an open node")


@scenario(users="romeo")
def scenario_bookmarks(stage):
    """XEP-0402, XEP-0223: private items, as many as there are, told to the own clients only."""
    node = "urn:xmpp:bookmarks:1"
    options = {"persist_items": "true", "max_items": "max", "access_model": "whitelist",
               "send_last_published_item": "never"}
    other = _announce(stage.client("romeo", "other", name="other"), node)
    romeo = stage.client("romeo", "orchard").online()
    for room in ("one@rooms.example", "two@rooms.example", "three@rooms.example"):
        answer = _publish(romeo, node, room, f"<conference xmlns='{node}' autojoin='1'/>", **options)
        check_equal(answer.get("type"), "result", xmltree.show(answer))
        check_equal(_event(other)[2][0].get("id"), room, "the event")
    _request(romeo, f"<retract node='{node}' notify='true'><item id='one@rooms.example'/></retract>")
    gone = _event(other)[2][0]
    check_equal((gone.tag, gone.get("id")), (f"{{{EVENT}}}retract", "one@rooms.example"), "gone")
    check_equal([item.get("id") for item in _items(other, node)],
                ["two@rooms.example", "three@rooms.example"], "what is left")
    last = stage.client("romeo", "last", name="last")
    _announce(last, node)
    check(all(e.find(f"{{{EVENT}}}event") is None for e in last.collect()), "nobody asked for that")


@scenario(fresh=True)
def scenario_restart(stage):
    """Nodes, items and the accounts that have some are known again after a restart."""
    stage.befriend("romeo", "juliet")
    romeo = stage.client("romeo").online()
    card = "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Romeo</text></fn></vcard>"
    _publish(romeo, VCARD4, "current", card)
    stage.restart()
    juliet = _announce(stage.client("juliet"), VCARD4)
    message, node, items = _event(juliet)
    check_equal((message.get("from"), node), (stage.bare("romeo"), VCARD4), "the event")
    check_equal("".join(items.itertext()), "Romeo", "the card")
    check_equal("".join(_items(juliet, VCARD4, stage.bare("romeo"))[0].itertext()), "Romeo",
                "the card when it is asked for")
    answer = juliet.iq("get", f"<query xmlns='{INFO}'/>", stage.bare("juliet"))
    features = {e.get("var") for e in answer.iter(f"{{{INFO}}}feature")}
    wanted = {"urn:ietf:params:xml:ns:vcard-4.0", PUBSUB + "#publish-options",
              PUBSUB + "#persistent-items", PUBSUB + "#config-node-max"}
    check(wanted <= features, f"features: {features}")
    kinds = {(e.get("category"), e.get("type")) for e in answer.iter(f"{{{INFO}}}identity")}
    check(("pubsub", "pep") in kinds, f"identities: {kinds}")


@scenario(users="romeo", config="federation = true")
def scenario_other_server(stage):
    """A contact on another server: asked for its capabilities, told of the last and the next item."""
    juliet, full = "juliet@montague.example", "juliet@montague.example/balcony"
    romeo, montague = stage.client("romeo").online(interested=True), Remote(stage,
                                                                            "montague.example")
    bare = stage.bare("romeo")
    _publish(romeo, "tune", "a", "<tune xmlns='urn:test'>A</tune>")
    stream = montague.connect()
    stream.secure()
    stream.external()
    romeo.send(f"<presence type='subscribe' to='{juliet}'/>")
    stream.write(f"<presence from='{juliet}' to='{bare}' type='subscribed'/>"
                 f"<presence from='{juliet}' to='{bare}' type='subscribe'/>")
    romeo._take_first(lambda e: e.get("type") == "subscribe", "her request")
    romeo.send(f"<presence type='subscribed' to='{juliet}'/>")
    _until(montague, lambda e: e.get("from") == romeo.jid)
    caps = Caps("tune")
    stream.write(f"<presence from='{full}' to='{bare}'>{caps.element}</presence>")
    asked = _until(montague, lambda e: e.tag.endswith("}iq") and e.get("to") == full)
    stream.write(caps.answer(asked, f" from='{full}'"))
    check_equal(_tune(_until(montague, _is_event)), (bare, full, "A"), "the last item")
    _publish(romeo, "tune", "b", "<tune xmlns='urn:test'>B</tune>")
    check_equal(_tune(_until(montague, _is_event)), (bare, full, "B"), "the next item")
    romeo.iq("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{juliet}'/></block>")
    _publish(romeo, "tune", "c", "<tune xmlns='urn:test'>C</tune>")
    romeo.iq("set", f"<unblock xmlns='urn:xmpp:blocking'><item jid='{juliet}'/></unblock>")
    _publish(romeo, "tune", "d", "<tune xmlns='urn:test'>D</tune>")
    check_equal(_tune(_until(montague, _is_event)), (bare, full, "D"), "after the blocking")
    stream.write(f"<presence from='{full}' to='{bare}' type='unavailable'/>")
    romeo._take_first(lambda e: e.get("type") == "unavailable", "her farewell")
    _publish(romeo, "tune", "e", "<tune xmlns='urn:test'>E</tune>")
    romeo.send(f"<message to='{juliet}'><body>last</body></message>")
    end = _until(montague, lambda e: e.tag.endswith("}message"))
    check(not _is_event(end), f"she has gone: {xmltree.show(end)}")


def _is_event(element):
    return element.find(f"{{{EVENT}}}event") is not None


def _until(remote, wanted):
    while True:
        element = remote.stanza()
        if wanted(element):
            return element


def _tune(message):
    return message.get("from"), message.get("to"), "".join(message.itertext())
