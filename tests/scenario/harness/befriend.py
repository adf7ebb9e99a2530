"""Makes two accounts friends, for scenarios that begin there."""

from . import xmltree
from .client import Client
from .connection import Transcript
from .errors import Failure


def befriend(server, first, second, transcript):
    """Makes a subscription in both directions, by the ordinary means of RFC 6121 §3.

    Its traffic is in the transcript only when it fails.
    """
    apart = Transcript()
    pair = [Client(server, account.name, account, "befriend", apart)
            for account in (first, second)]
    try:
        _befriend(pair)
    except Failure:
        transcript.extend(apart)
        raise


def _befriend(pair):
    for client in pair:
        client.login()
        client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        client.send("<presence/>")
        client.own_presence()
    for asking, asked in (pair, pair[::-1]):
        asking.send(f"<presence type='subscribe' to='{asked.account.bare}'/>")
        asked._take_first(_presence("subscribe", asking), "the request")
        asked.send(f"<presence type='subscribed' to='{asking.account.bare}'/>")
        asking._take_first(_presence("subscribed", asked), "the approval")
    for client, other in (pair, pair[::-1]):
        client._take_first(_pushed(other.account.bare), "the roster push")
        client.disconnect()


def _presence(kind, sender):
    return lambda e: (e.tag == f"{{{xmltree.CLIENT}}}presence" and e.get("type") == kind
                      and e.get("from") == sender.account.bare)


def _pushed(contact):
    path = "{jabber:iq:roster}query/{jabber:iq:roster}item"
    return lambda e: any(item.get("jid") == contact and item.get("subscription") == "both"
                         for item in e.findall(path))
