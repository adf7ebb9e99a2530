"""RFC 6121 appendix A: the states of a subscription, as tables.

The nine states are those of §A.1 without the pre-approval. Each cell starts from a fresh pair of
roster entries, which are brought into the state by the ordinary stanzas.
"""

from harness.errors import Failure, Timeout
from harness.stage import scenario
from harness.xmltree import CLIENT

ROSTER = "jabber:iq:roster"
PRESENCE = f"{{{CLIENT}}}presence"
SUBSCRIPTIONS = ("subscribe", "subscribed", "unsubscribe", "unsubscribed")

# The user's state: (subscription, pending out, pending in), and how the user "u" and the contact
# "c" get there from nothing.
STATES = {
    "None": ("none", False, False, ""),
    "None + Pending Out": ("none", True, False, "u:subscribe"),
    "None + Pending In": ("none", False, True, "c:subscribe"),
    "None + Pending Out+In": ("none", True, True, "u:subscribe c:subscribe"),
    "To": ("to", False, False, "u:subscribe c:subscribed"),
    "To + Pending In": ("to", False, True, "u:subscribe c:subscribed c:subscribe"),
    "From": ("from", False, False, "c:subscribe u:subscribed"),
    "From + Pending Out": ("from", True, False, "c:subscribe u:subscribed u:subscribe"),
    "Both": ("both", False, False, "u:subscribe c:subscribed c:subscribe u:subscribed"),
}

# §A.2: what the user sends, by the state that the user is in: the new state, "-" for the same.
# §A.2.1 subscribe, §A.2.2 unsubscribe, §A.2.3 subscribed, §A.2.4 unsubscribed.
OUTBOUND = {
    "subscribe": {
        "None": "None + Pending Out", "None + Pending Out": "-",
        "None + Pending In": "None + Pending Out+In", "None + Pending Out+In": "-",
        "To": "-", "To + Pending In": "-", "From": "From + Pending Out",
        "From + Pending Out": "-", "Both": "-"},
    "unsubscribe": {
        "None": "-", "None + Pending Out": "None", "None + Pending In": "-",
        "None + Pending Out+In": "None + Pending In", "To": "None",
        "To + Pending In": "None + Pending In", "From": "-", "From + Pending Out": "From",
        "Both": "From"},
    "subscribed": {
        "None": "-", "None + Pending Out": "-", "None + Pending In": "From",
        "None + Pending Out+In": "From + Pending Out", "To": "-", "To + Pending In": "Both",
        "From": "-", "From + Pending Out": "-", "Both": "-"},
    "unsubscribed": {
        "None": "-", "None + Pending Out": "-", "None + Pending In": "None",
        "None + Pending Out+In": "None + Pending Out", "To": "-", "To + Pending In": "To",
        "From": "None", "From + Pending Out": "None + Pending Out", "Both": "To"},
}

# §A.3: what the contact's side must hand to the contact, by the *contact's* state. Empty: never.
DELIVERED = {
    "subscribe": {"None", "None + Pending Out", "To"},
    "unsubscribe": {"None + Pending In", "None + Pending Out+In", "To + Pending In", "From",
                    "From + Pending Out", "Both"},
    "subscribed": {"None + Pending Out", "None + Pending Out+In", "From + Pending Out"},
    "unsubscribed": {"None + Pending Out", "None + Pending Out+In", "To", "To + Pending In",
                     "From + Pending Out", "Both"},
}


def mirror(state):
    """The contact's state when the user's is `state`."""
    kind, out, into, _ = STATES[state]
    turned = ({"to": "from", "from": "to"}.get(kind, kind), into, out)
    return next(name for name, value in STATES.items() if value[:3] == turned)


class Pair:
    """The user and the contact, both online and interested in their rosters."""

    def __init__(self, stage):
        self.user = stage.client("romeo").online(interested=True)
        self.contact = stage.client("juliet").online(interested=True)
        self.names = {"u": (self.user, self.contact), "c": (self.contact, self.user)}

    def send(self, who, kind):
        sender, other = self.names[who]
        sender.send(f"<presence type='{kind}' to='{other.account.bare}'/>")

    def enter(self, state):
        """Starts anew, and takes both to `state`."""
        for client, other in self.names.values():
            client.iq("set", f"<query xmlns='{ROSTER}'><item jid='{other.account.bare}' "
                             "subscription='remove'/></query>")
        # A request that was refused leaves nothing behind.
        for who in "uc":
            self.send(who, "unsubscribed")
        self.settle()
        for step in STATES[state][3].split():
            self.send(*step.split(":"))
            self.settle()

    def settle(self):
        """What came for both since the last time, by client."""
        # A write is answered after those before it are committed: pushes are out by then, and what
        # they set off on the other side after the next round.
        for client in (self.user, self.contact, self.user, self.contact):
            client.iq("set", "<query xmlns='jabber:iq:private'><x xmlns='urn:example:x'/></query>")
        return {client: client.collect(0.03) for client in (self.user, self.contact)}

    def state(self, who):
        """(subscription, pending out) as the roster shows them; a missing item is none."""
        client, other = self.names[who]
        items = client.iq("get", f"<query xmlns='{ROSTER}'/>")[0]
        for item in items:
            if item.get("jid") == other.account.bare:
                return item.get("subscription"), item.get("ask") == "subscribe"
        return "none", False


def _run(stage, kind):
    pair = Pair(stage)
    failures = []
    for start, new in OUTBOUND[kind].items():
        end = start if new == "-" else new
        try:
            pair.enter(start)
            if pair.state("u") != STATES[start][:2]:
                failures.append(f"{start}: could not be reached, is {pair.state('u')}")
                continue
            pair.send("u", kind)
            came = pair.settle()
            failures += [f"{start}: {text}" for text in _differences(pair, kind, start, end, came)]
        except Timeout as late:
            failures.append(f"{start}: {late}")
    if failures:
        raise Failure(f"{kind}:\n" + "\n".join(failures))


def _differences(pair, kind, start, end, came):
    for who, wanted in (("u", end), ("c", mirror(end))):
        if pair.state(who) != STATES[wanted][:2]:
            yield f"{'user' if who == 'u' else 'contact'} is {pair.state(who)}, expected {wanted}"
    got = any(s.tag == PRESENCE and s.get("type") == kind for s in came[pair.contact])
    should = mirror(start) in DELIVERED[kind]
    if got != should:
        yield f"{kind} was {'' if got else 'not '}delivered to the contact"
    pushes = [i for s in came[pair.user] for i in s.iter(f"{{{ROSTER}}}item")]
    changed = STATES[start][:2] != STATES[end][:2]
    if changed and not pushes:
        yield "there was no roster push to the user"


@scenario()
def scenario_subscribe(stage):
    """RFC 6121 §A.2.1, §A.3.1: the user sends subscribe, in each state."""
    _run(stage, "subscribe")


@scenario()
def scenario_unsubscribe(stage):
    """RFC 6121 §A.2.2, §A.3.2: the user sends unsubscribe, in each state."""
    _run(stage, "unsubscribe")


@scenario()
def scenario_subscribed(stage):
    """RFC 6121 §A.2.3, §A.3.3: the user sends subscribed, in each state.

    Pre-approval (§3.4) may be in the server's way of thinking, but changes no state here.
    """
    _run(stage, "subscribed")


@scenario()
def scenario_unsubscribed(stage):
    """RFC 6121 §A.2.4, §A.3.4: the user sends unsubscribed, in each state."""
    _run(stage, "unsubscribed")
