#!/usr/bin/python3
"""Accounts as services (XEP-0163) with clients on slixmpp that nobody here wrote.

    tests/interop/pep.py --binary build/release/bin/balconyd

Avatars (XEP-0084), tunes (XEP-0118), a list of devices as OMEMO publishes it (XEP-0384) and a card
(XEP-0292) go from one user to another, by notification, at login, and when they are asked for.
Loopback only; nothing is left behind.
"""

import asyncio
import ssl
import sys
import traceback
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

import one_server  # noqa: E402
from components import Failed, Inbox  # noqa: E402

DEVICES = "eu.siacs.conversations.axolotl.devicelist"
VCARD4 = "urn:xmpp:vcard4"
IMAGE = b"\x89PNG an image"


def make_user(account, server):
    """A user of slixmpp; `inbox` has (kind, from, text)."""
    import slixmpp

    class User(slixmpp.ClientXMPP):
        def __init__(self):
            super().__init__(account.bare, account.password)
            self.inbox = Inbox(account.name)
            self.auto_authorize, self.auto_subscribe = True, True
            for plugin in ("xep_0030", "xep_0060", "xep_0115", "xep_0163", "xep_0084", "xep_0118"):
                self.register_plugin(plugin)
            self.add_event_handler("session_start", lambda _: self.inbox.put("online", "", ""))
            self.add_event_handler("presence_available", lambda p: self.inbox.put(
                "presence", p["from"].bare, p["from"].resource))
            self.add_event_handler("avatar_metadata_publish", lambda m: self.inbox.put(
                "avatar", str(m["from"]), m["pubsub_event"]["items"]["item"]["id"]))
            self.add_event_handler("user_tune_publish", lambda m: self.inbox.put(
                "tune", str(m["from"]), m["pubsub_event"]["items"]["item"]["tune"]["title"]))

        def get_ssl_context(self):
            context = super().get_ssl_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context

    user = User()
    user.connect(address=(server.address, server.port))
    return user


async def online(account, server):
    user = make_user(account, server)
    await user.inbox.wait("the login", lambda kind, *_: kind == "online")
    await user["xep_0115"].update_caps(broadcast=False)
    user.send_presence()
    return user


async def friends(world):
    """Both see each other."""
    romeo, juliet = world["romeo"], world["juliet"]
    juliet.send_presence(pto=romeo.boundjid.bare, ptype="subscribe")
    for me, other in ((romeo, juliet), (juliet, romeo)):
        await me.inbox.wait("the other's presence", lambda kind, who, _, other=other: (kind, who) == (
            "presence", other.boundjid.bare))


async def avatar(world):
    """XEP-0084 §4: published, told, fetched."""
    romeo, juliet = world["romeo"], world["juliet"]
    identity = romeo["xep_0084"].generate_id(IMAGE)
    await romeo["xep_0084"].publish_avatar(IMAGE)
    await romeo["xep_0084"].publish_avatar_metadata(
        {"id": identity, "type": "image/png", "bytes": len(IMAGE)})
    for user in (juliet, romeo):  # oneself too
        await user.inbox.wait("the avatar", lambda *got: got == (
            "avatar", romeo.boundjid.bare, identity))
    answer = await juliet["xep_0084"].retrieve_avatar(romeo.boundjid.bare, identity)
    if answer["pubsub"]["items"]["item"]["avatar_data"]["value"] != IMAGE:
        raise Failed("the image is another one")


async def tune(world):
    """XEP-0118: what somebody listens to, and that he has stopped."""
    romeo, juliet = world["romeo"], world["juliet"]
    for title in ("Allegro <vivace>", ""):
        if title:
            await romeo["xep_0118"].publish_tune(title=title)
        else:
            await romeo["xep_0118"].stop()
        await juliet.inbox.wait("the tune", lambda *got, title=title: got == (
            "tune", romeo.boundjid.bare, title))


async def devices(world):
    """XEP-0384: everybody may read the list, also who is no contact."""
    from slixmpp.plugins.xep_0004 import Form
    options = Form()
    options["type"] = "submit"
    options.add_field(var="FORM_TYPE", ftype="hidden",
                      value="http://jabber.org/protocol/pubsub#publish-options")
    options.add_field(var="pubsub#access_model", value="open")
    romeo, nurse = world["romeo"], world["nurse"]
    payload = ET.fromstring("<list xmlns='eu.siacs.conversations.axolotl'><device id='31415'/></list>")
    for _ in range(2):  # the conditions are met the second time too
        await romeo["xep_0060"].publish(None, DEVICES, id="current", payload=payload, options=options)
    answer = await nurse["xep_0060"].get_items(romeo.boundjid.bare, DEVICES, max_items=1)
    found = answer["pubsub"]["items"]["substanzas"]
    if len(found) != 1 or found[0]["payload"][0].get("id") != "31415":
        raise Failed(f"the list is {answer}")


async def card(world):
    """XEP-0292 §3.1: published and retrieved."""
    romeo, juliet = world["romeo"], world["juliet"]
    payload = ET.fromstring("<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Romeo"
                            "</text></fn></vcard>")
    await romeo["xep_0060"].publish(None, VCARD4, payload=payload)
    answer = await juliet["xep_0060"].get_items(romeo.boundjid.bare, VCARD4)
    if "".join(answer["pubsub"]["items"].xml.itertext()) != "Romeo":
        raise Failed(f"the card is {answer}")


async def login(world):
    """XEP-0163 §4.3.4: who comes later is told the last items, also of somebody who has gone."""
    romeo, juliet = world["romeo"], world["juliet"]
    identity = romeo["xep_0084"].generate_id(IMAGE)
    for user in (romeo, juliet):
        await user.disconnect(wait=1)
    again = await online(world["accounts"][1], world["server"])
    try:
        await again.inbox.wait("the avatar", lambda *got: got == (
            "avatar", romeo.boundjid.bare, identity))
    finally:
        await again.disconnect(wait=1)


CASES = (friends, avatar, tune, devices, card, login)


async def play(server, _folder):
    world = {"server": server, "accounts": server.accounts}
    for account in server.accounts:
        world[account.name] = await online(account, server)
    results = {}
    for case in CASES:
        try:
            await case(world)
            results[case.__name__] = ""
        except Failed as failure:
            results[case.__name__] = str(failure)
        except Exception:  # a case that breaks is a failure too
            results[case.__name__] = traceback.format_exc()
    await world["nurse"].disconnect(wait=1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return results


def main():
    options = one_server.parser(__doc__).parse_args()
    return one_server.run("pep", options, play, users=("romeo", "juliet", "nurse"))


if __name__ == "__main__":
    sys.exit(main())
