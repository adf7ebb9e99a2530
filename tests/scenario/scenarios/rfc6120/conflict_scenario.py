"""RFC 6120 §7.7.2.2: what happens when a resource is asked for a second time."""

from harness import xmltree
from harness.errors import Closed, check, check_equal
from harness.stage import scenario


@scenario()
def scenario_policy(stage):
    """RFC 6120 §7.7.2.2: the new one is renamed or refused, or the old one ends with <conflict/>."""
    old = stage.client("romeo", "orchard", "old")
    old.login()
    new = stage.client("romeo", "orchard", "new")
    new.secure()
    new.authenticate("SCRAM-SHA-1")
    new.open_stream()
    answer = new.iq("set", f"<bind xmlns='{xmltree.BIND}'><resource>orchard</resource></bind>")
    if answer.get("type") == "error":
        check(answer.find(f".//{{{xmltree.STANZA_ERROR}}}conflict") is not None, "<conflict/>")
        old.ping()
        return
    jid = answer.findtext(f"{{{xmltree.BIND}}}bind/{{{xmltree.BIND}}}jid")
    if jid != old.jid:
        check(jid.startswith(stage.bare("romeo") + "/"), f"bound to {jid}")
        old.ping()
        new.ping()
        return
    old.stream_error("conflict")
    new.ping()


@scenario()
def scenario_two_resources(stage):
    """RFC 6120 §7: two resources of an account live side by side, generated ones differ."""
    clients = [stage.client("romeo", name=f"c{n}") for n in range(4)]
    jids = [client.login() for client in clients]
    check_equal(len(set(jids)), 4, "the number of different addresses")
    for client in clients:
        client.ping()


@scenario()
def scenario_stranger_cannot_end_it(stage):
    """A stream that only asks for a resource that is in use, and leaves, harms nobody."""
    old = stage.client("romeo", "orchard", "old")
    old.login()
    new = stage.client("juliet", "orchard", "new")
    new.login()
    new.drop()
    try:
        old.ping()
    except Closed as closed:
        raise AssertionError("another account's login ended this stream") from closed
