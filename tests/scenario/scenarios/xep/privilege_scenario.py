"""XEP-0356 and XEP-0355: components that speak for users and answer for the server, from outside."""

import time

from harness import xmltree
from harness.component import COMPONENT, IQ, MESSAGE, PRESENCE, Component
from harness.errors import check, check_equal
from harness.stage import scenario
from harness.xmltree import CLIENT

DOMAIN = "slidge.localhost"
SECRET = "wherefore"
PRIVILEGE = "urn:xmpp:privilege:2"
DELEGATION = "urn:xmpp:delegation:2"
FORWARD = "urn:xmpp:forward:0"
SM = "urn:xmpp:sm:3"
PUBSUB = "http://jabber.org/protocol/pubsub"
ALL = """{ roster = 'both', message = 'outgoing', presence = 'roster', iq = [
    { namespace = 'http://jabber.org/protocol/pubsub', type = 'both' },
    { namespace = 'urn:xmpp:ping', type = 'get' } ] }"""
CONFIG = ("component = { 'slidge.localhost' = { secret = 'wherefore', privilege = "
          + ALL.replace("\n", " ") + " } }")
DELEGATE = ("component = { 'slidge.localhost' = { secret = 'wherefore', delegate = ["
            "'http://jabber.org/protocol/pubsub', "
            "{ namespace = 'urn:xmpp:ping', attributes = ['node'] }] } }")
PROSODY = {"prosody": "the driver configures no components"}


def _attach(stage, name=None):
    return Component(stage, DOMAIN, SECRET, name).attach()


def _announced(component):
    """The permissions of the next message, by access."""
    message = component.receive()
    check_equal((message.tag, message.get("from"), message.get("to")),
                (MESSAGE, "localhost", DOMAIN), "the announcement")
    element = message.find(f"{{{PRIVILEGE}}}privilege")
    check(element is not None, xmltree.show(message, COMPONENT))
    return {perm.get("access"): perm for perm in element}


def _wrap(message):
    return (f"<message from='{DOMAIN}' to='localhost' id='o'><privilege xmlns='{PRIVILEGE}'>"
            f"<forwarded xmlns='{FORWARD}'>{message}</forwarded></privilege></message>")


def _ask_as(user, inner, kind="get"):
    return (f"<iq from='{DOMAIN}' to='{user}' type='{kind}' id='priv1'>"
            f"<privileged_iq xmlns='{PRIVILEGE}'>{inner}</privileged_iq></iq>")


def _next(component, tag):
    """The next stanza of this kind; others are passed over."""
    while True:
        element = component.receive()
        if element.tag == tag:
            return element


def _rest(component):
    """What else came, before the answer to a ping."""
    component.quiet(0.4)
    component.send(f"<iq from='{DOMAIN}' to='localhost' type='get' id='rest'>"
                   "<ping xmlns='urn:xmpp:ping'/></iq>")
    got = []
    while (element := component.receive()).get("id") != "rest":
        got.append(element)
    return got


@scenario(config=CONFIG, differs=PROSODY)
def scenario_announced(stage):
    """XEP-0356 §4.2, §5.2, §6.2, §7.2: what is granted is announced, and again after a reload."""
    slidge = _attach(stage)
    perms = _announced(slidge)
    check_equal({a: (p.get("type"), p.get("push")) for a, p in perms.items()},
                {"roster": ("both", "true"), "message": ("outgoing", None), "iq": (None, None),
                 "presence": ("roster", None)}, "permissions")
    check_equal([(n.get("ns"), n.get("type")) for n in perms["iq"]],
                [(PUBSUB, "both"), ("urn:xmpp:ping", "get")], "namespaces")
    stage.apply({"component": {DOMAIN: {"secret": SECRET, "privilege": {"roster": "get"}}}})
    stage.control("reload")
    perms = _announced(slidge)
    check_equal({a: p.get("type") for a, p in perms.items()},
                {"roster": "get", "message": "none", "iq": None, "presence": "none"}, "what is left")
    slidge.send(_wrap(f"<message xmlns='{CLIENT}' from='{stage.bare('romeo')}' "
                      f"to='{stage.bare('juliet')}'/>"))
    check_equal(slidge.error(), "forbidden", "what was granted before")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_roster(stage):
    """XEP-0356 §4.3, §4.4: rosters are read and changed, and changes told."""
    slidge = _attach(stage)
    _announced(slidge)
    bare = stage.bare("juliet")
    juliet = stage.client("juliet")
    juliet.login()
    juliet.iq("get", "<query xmlns='jabber:iq:roster'/>")
    slidge.send(f"<iq from='{DOMAIN}' to='{bare}' type='set' id='r1'>"
                f"<query xmlns='jabber:iq:roster'><item jid='a@{DOMAIN}' name='A'/></query></iq>")
    push = juliet.receive()
    check_equal(push[0][0].get("jid"), f"a@{DOMAIN}", "the push to the client")
    got = {slidge.receive().get("type"), slidge.receive().get("type")}
    check_equal(got, {"result", "set"}, "the answer and the push")
    slidge.send(f"<iq from='{DOMAIN}' to='{bare}' type='get' id='r2'>"
                "<query xmlns='jabber:iq:roster'/></iq>")
    answer = slidge.receive()
    check_equal((answer.get("id"), answer.get("from"), [i.get("name") for i in answer[0]]),
                ("r2", bare, ["A"]), "the roster")
    juliet.iq("set", f"<query xmlns='jabber:iq:roster'><item jid='a@{DOMAIN}' "
              "subscription='remove'/></query>")
    push = _next(slidge, IQ)
    check_equal((push.get("from"), push[0][0].get("subscription")), (bare, "remove"), "the push")
    # Its other addresses are no privileged entities, nobody has no roster.
    for sender, to in ((f"x@{DOMAIN}", bare), (DOMAIN, "nobody@localhost")):
        slidge.send(f"<iq from='{sender}' to='{to}' type='get' id='r3'>"
                    "<query xmlns='jabber:iq:roster'/></iq>")
        check_equal(slidge.error(), "service-unavailable", f"{sender} about {to}")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_messages(stage):
    """XEP-0356 §5.3: as if the user had sent it: carbons for him, his archive keeps it."""
    slidge = _attach(stage)
    _announced(slidge)
    juliet = stage.client("juliet", "balcony").online()
    romeo = stage.client("romeo", "orchard").online()
    juliet.iq("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
    bare, friend = stage.bare("juliet"), stage.bare("romeo")
    slidge.send(_wrap(f"<message xmlns='{CLIENT}' from='{bare}' to='{friend}' type='chat' id='m1'>"
                      "<body>from elsewhere</body></message>"))
    got = romeo.receive()
    check_equal((got.get("from"), got.get("id"), got.find(f"{{{CLIENT}}}body").text),
                (bare, "m1", "from elsewhere"), "what romeo gets")
    carbon = juliet.receive()
    check(carbon.find("{urn:xmpp:carbons:2}sent") is not None, "a carbon copy")
    juliet.iq("set", "<query xmlns='urn:xmpp:mam:2' queryid='q'/>")
    kept = [e for e in juliet.inbox if e.find("{urn:xmpp:mam:2}result") is not None]
    check_equal(len(kept), 1, "messages in the archive")
    # To the component itself, as slidge does it: it comes back as the user's message.
    slidge.send(_wrap(f"<message xmlns='{CLIENT}' from='{bare}' to='a@{DOMAIN}' type='chat' "
                      "id='m2'><body>x</body></message>"))
    back = _next(slidge, MESSAGE)
    check_equal((back.get("from"), back.get("to"), back.get("id")),
                (bare, f"a@{DOMAIN}", "m2"), "what comes back")
    for forged in (juliet.jid, "nobody@localhost", "juliet@elsewhere.example", DOMAIN):
        slidge.send(_wrap(f"<message xmlns='{CLIENT}' from='{forged}' to='{friend}'>"
                          "<body>x</body></message>"))
        check_equal(_next(slidge, MESSAGE).find(f"{{{COMPONENT}}}error")[0].tag,
                    "{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden", f"from {forged}")
    check_equal(romeo.collect(), [], "what else romeo got")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_requests(stage):
    """XEP-0356 §6.3: requests in a user's name, with the answer in an envelope."""
    slidge = _attach(stage)
    _announced(slidge)
    bare = stage.bare("juliet")
    slidge.send(_ask_as(bare, f"<iq xmlns='{CLIENT}' type='get' id='in1'>"
                        "<ping xmlns='urn:xmpp:ping'/></iq>"))
    answer = _next(slidge, IQ)
    check_equal((answer.get("type"), answer.get("id"), answer.get("from")),
                ("result", "priv1", bare), "the answer")
    inner = answer.find(f"{{{PRIVILEGE}}}privilege/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
    check(inner is not None, xmltree.show(answer, COMPONENT))
    check_equal((inner.get("type"), inner.get("id"), inner.get("to")), ("result", "in1", bare),
                "the answer in it")
    romeo = stage.client("romeo").online()
    slidge.send(_ask_as(bare, f"<iq xmlns='{CLIENT}' type='set' id='in2' to='{romeo.jid}'>"
                        f"<pubsub xmlns='{PUBSUB}'/></iq>", "set"))
    asked = romeo.receive()
    check_equal((asked.get("from"), asked[0].tag), (bare, f"{{{PUBSUB}}}pubsub"), "the request")
    romeo.send(f"<iq type='error' to='{bare}' id='{asked.get('id')}'><error type='cancel'>"
               "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    answer = _next(slidge, IQ)
    inner = answer[0][0][0]
    check_equal((answer.get("type"), inner.get("type"), inner.get("id")),
                ("result", "error", "in2"), "an error for the user")
    for wrong in (_ask_as(bare, f"<iq xmlns='{CLIENT}' type='set' id='i'>"
                          "<ping xmlns='urn:xmpp:ping'/></iq>", "set"),
                  _ask_as(bare, f"<iq xmlns='{COMPONENT}' type='get' id='i'>"
                          "<ping xmlns='urn:xmpp:ping'/></iq>"),
                  _ask_as(romeo.jid, f"<iq xmlns='{CLIENT}' type='get' id='i'>"
                          "<ping xmlns='urn:xmpp:ping'/></iq>"),
                  _ask_as("localhost", f"<iq xmlns='{CLIENT}' type='get' id='i'>"
                          "<ping xmlns='urn:xmpp:ping'/></iq>")):
        slidge.send(wrong)
        answer = _next(slidge, IQ)
        check_equal(answer.find(f"{{{COMPONENT}}}error")[0].tag,
                    "{urn:ietf:params:xml:ns:xmpp-stanzas}forbidden", wrong)


@scenario(config=CONFIG, differs=PROSODY)
def scenario_presence(stage):
    """XEP-0356 §7, §8: who is there, once each, and to who connects later all of it."""
    slidge = _attach(stage)
    _announced(slidge)
    juliet = stage.client("juliet", "balcony").online()
    got = slidge.receive()
    check_equal((got.tag, got.get("from"), got.get("to")), (PRESENCE, juliet.jid, DOMAIN),
                "initial presence")
    romeo = stage.client("romeo", "orchard").online()
    check_equal(slidge.receive().get("from"), romeo.jid, "initial presence of another")
    juliet.send("<presence><show>away</show></presence>")
    juliet.ping()
    check_equal(_rest(slidge), [], "what is neither initial nor unavailable")
    slidge.send("</stream:stream>")
    slidge.closed()
    juliet.send("<presence type='unavailable'/>")
    juliet.ping()
    deadline = time.monotonic() + 5
    while True:
        slidge = _attach(stage, "again")
        _announced(slidge)
        who = [e.get("from") for e in _rest(slidge) if e.tag == PRESENCE]
        if who == [romeo.jid] or time.monotonic() > deadline:
            break
        slidge.send("</stream:stream>")
        slidge.closed()
    check_equal(who, [romeo.jid], "who is there")
    romeo.close()
    check_equal(slidge.receive().get("type"), "unavailable", "who has gone")


def _delegate(stage):
    """The component that PubSub is delegated to, its nested features told; what was announced."""
    pubsub = _attach(stage)
    delegated = pubsub.receive().find(f"{{{DELEGATION}}}delegation")
    for _ in range(4):
        asked = pubsub.receive()
        node = asked[0].get("node")
        var = "urn:nested:bare" if ":bare:" in node else "urn:nested:server"
        pubsub.send(f"<iq from='{DOMAIN}' to='localhost' type='result' id='{asked.get('id')}'>"
                    f"<query xmlns='http://jabber.org/protocol/disco#info' node='{node}'>"
                    f"<feature var='{var}'/></query></iq>")
    return pubsub, delegated


def _answer_delegated(pubsub, outer, user, identity):
    pubsub.send(f"<iq from='{DOMAIN}' to='localhost' type='result' id='{outer.get('id')}'>"
                f"<delegation xmlns='{DELEGATION}'><forwarded xmlns='{FORWARD}'>"
                f"<iq xmlns='{CLIENT}' to='{user}' id='{identity}' type='result'>"
                f"<pubsub xmlns='{PUBSUB}'/></iq></forwarded></delegation></iq>")


@scenario(config=DELEGATE, differs=PROSODY)
def scenario_delegation(stage):
    """XEP-0355 §4, §7: requests are forwarded, answers checked and passed on, features nested."""
    pubsub, delegated = _delegate(stage)
    check_equal([(d.get("namespace"), [a.get("name") for a in d]) for d in delegated],
                [(PUBSUB, []), ("urn:xmpp:ping", ["node"])], "what is announced")
    juliet = stage.client("juliet", "balcony").online()
    wanted = juliet.iq("set", f"<pubsub xmlns='{PUBSUB}'><publish node='x'/></pubsub>",
                       fetch=False)
    outer = pubsub.receive()
    inner = outer.find(f"{{{DELEGATION}}}delegation/{{{FORWARD}}}forwarded/{{{CLIENT}}}iq")
    check_equal((outer.get("from"), outer.get("type"), inner.get("from"), inner.get("to"),
                 inner.get("id")), ("localhost", "set", juliet.jid, None, wanted), "the request")
    _answer_delegated(pubsub, outer, juliet.jid, wanted)
    answer = juliet.answer(wanted)
    check_equal((answer.get("type"), answer[0].tag), ("result", f"{{{PUBSUB}}}pubsub"), "the answer")
    for to, var in (("localhost", "urn:nested:server"), (stage.bare("juliet"), "urn:nested:bare")):
        features = [f.get("var") for f in
                    juliet.iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to)[0]]
        check(var in features, f"{to} does not say {var}")
        check("urn:xmpp:ping" not in features, f"{to} says what it has given away")
    check_equal(juliet.iq("get", "<ping xmlns='urn:xmpp:ping'/>").get("type"), "result",
                "a request without the attribute")
    wanted = juliet.iq("set", f"<pubsub xmlns='{PUBSUB}'/>", fetch=False)
    pubsub.receive()
    pubsub.close()
    answer = juliet.answer(wanted)
    check_equal(answer.get("type"), "error", "the answer of who went")
    answer = juliet.iq("set", f"<pubsub xmlns='{PUBSUB}'/>")
    check_equal(answer.find(f"{{{CLIENT}}}error")[0].tag,
                "{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable", "while it is away")


@scenario(config=DELEGATE, differs=PROSODY)
def scenario_delegated_changes_count_late(stage):
    """docs/decisions/0019: a change counts as handled (XEP-0198 §4) when the service has answered,
    what only asks when it is handed on."""
    pubsub, _ = _delegate(stage)
    juliet = stage.client("juliet", "balcony")
    juliet.ignored.append(lambda e: e.tag == f"{{{SM}}}r")
    juliet.login()
    juliet.send(f"<enable xmlns='{SM}'/>")
    juliet._take_first(lambda e: e.tag == f"{{{SM}}}enabled", "<enabled/>")

    def handled():
        juliet.send(f"<r xmlns='{SM}'/>")
        return int(juliet._take_first(lambda e: e.tag == f"{{{SM}}}a", "<a/>").get("h"))

    get = juliet.iq("get", f"<pubsub xmlns='{PUBSUB}'/>", fetch=False)
    got = pubsub.receive()
    check_equal(handled(), 1, "after a get")
    change = juliet.iq("set", f"<pubsub xmlns='{PUBSUB}'/>", fetch=False)
    outer = pubsub.receive()
    check_equal(handled(), 1, "before the service has answered")
    _answer_delegated(pubsub, got, juliet.jid, get)
    _answer_delegated(pubsub, outer, juliet.jid, change)
    check_equal(juliet.answer(change).get("type"), "result", "the answer")
    until = time.monotonic() + 5
    while (h := handled()) == 1 and time.monotonic() < until:
        time.sleep(0.01)
    check_equal(h, 2, "after the answer")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_forged(stage):
    """docs/security.md: what a host says to its components nobody else says."""
    slidge = _attach(stage)
    _announced(slidge)
    romeo = stage.client("romeo").online()
    _next(slidge, PRESENCE)
    romeo.send(f"<message to='{DOMAIN}' id='1'><body>x</body><privilege xmlns='{PRIVILEGE}'>"
               f"<perm access='roster' type='both'/></privilege></message>")
    got = slidge.receive()
    check(got.find(f"{{{PRIVILEGE}}}privilege") is None, "privileges of a client")
    answer = romeo.iq("set", f"<delegation xmlns='{DELEGATION}'/>", DOMAIN)
    check_equal(answer.get("type"), "error", "a delegation of a client")
    check_equal(_rest(slidge), [], "what the component got of it")
    answer = romeo.iq("get", f"<privileged_iq xmlns='{PRIVILEGE}'><iq xmlns='{CLIENT}' type='get' "
                      "id='x'><ping xmlns='urn:xmpp:ping'/></iq></privileged_iq>",
                      stage.bare("juliet"))
    check_equal(answer.get("type"), "error", "a privileged request of a client")
    romeo.send(_wrap(f"<message xmlns='{CLIENT}' from='{stage.bare('juliet')}' to='{romeo.jid}'>"
                     "<body>x</body></message>").replace(f"from='{DOMAIN}' ", ""))
    answer = romeo.receive()
    check_equal((answer.tag, answer.get("type")), (f"{{{CLIENT}}}message", "error"), "a message")


@scenario(config=CONFIG, differs=PROSODY)
def scenario_operator(stage):
    """balconyctl component add NAME slidge: with the privileges that slidge needs."""
    made = stage.control("component", "add", "matrix.localhost", "slidge")
    for line in ("[component.\"matrix.localhost\".privilege]", "roster = \"both\"",
                 "message = \"outgoing\"", PUBSUB + "#owner", "jid=matrix.localhost"):
        check(line in made, f"{line} is not in {made}")
