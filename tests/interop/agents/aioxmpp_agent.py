#!/usr/bin/python3
"""aioxmpp as an agent: see README.md for the lines that go in and out."""

import asyncio
import datetime
import sys

import aioxmpp
import aioxmpp.connector
import aioxmpp.dispatcher
import aioxmpp.sasl


def say(*words):
    print("\t".join(str(word) for word in words), flush=True)


class Mechanism:
    """The library does not tell which mechanism it uses; this listens to it starting one."""

    used = "?"
    _initiate = aioxmpp.sasl.SASLXMPPInterface.initiate

    async def initiate(self, mechanism, payload=None):
        Mechanism.used = mechanism
        return await Mechanism._initiate(self, mechanism, payload)


class Agent:
    def __init__(self, jid, password, address, port):
        metadata = aioxmpp.make_security_layer(password, no_verify=True)
        self.client = aioxmpp.PresenceManagedClient(
            aioxmpp.JID.fromstr(jid), metadata,
            override_peer=[(address, port, aioxmpp.connector.STARTTLSConnector())])
        self.client.on_stream_resumed.connect(lambda: say("resumed"))
        self.client.backoff_start = datetime.timedelta(seconds=0.3)
        self.roster = self.client.summon(aioxmpp.RosterClient)
        self.roster.on_subscribe.connect(self.on_subscribe)
        dispatcher = self.client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher)
        dispatcher.register_callback(aioxmpp.MessageType.CHAT, None, self.on_message)
        presence = self.client.summon(aioxmpp.dispatcher.SimplePresenceDispatcher)
        for kind in (aioxmpp.PresenceType.AVAILABLE, aioxmpp.PresenceType.UNAVAILABLE):
            presence.register_callback(kind, None, self.on_presence)

    def on_subscribe(self, stanza):
        self.roster.approve(stanza.from_.bare())

    def on_message(self, message):
        if message.body:
            delayed = bool(getattr(message, "xep0203_delay", None))
            say("message", message.from_, message.body.any(), int(delayed))

    def on_presence(self, presence):
        kind = presence.type_.value or "available"
        say("presence", presence.from_, kind)

    async def run(self):
        async with self.client.connected() as stream:
            say("online", self.client.local_jid, Mechanism.used)
            reader = asyncio.StreamReader()
            loop = asyncio.get_event_loop()
            pipe = await loop.connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            while line := (await reader.readline()).decode().rstrip("\n"):
                command, *words = line.split("\t")
                if command == "roster":
                    items = [f"{j}={i.subscription}" for j, i in self.roster.items.items()]
                    say("roster", " ".join(items))
                elif command == "subscribe":
                    self.roster.subscribe(aioxmpp.JID.fromstr(words[0]))
                elif command == "send":
                    message = aioxmpp.Message(to=aioxmpp.JID.fromstr(words[0]),
                                              type_=aioxmpp.MessageType.CHAT)
                    message.body[None] = words[1]
                    await stream.send(message)
                elif command == "quit":
                    break
            pipe[0].close()
        say("offline")


def main():
    jid, password, address, port = sys.argv[1:]
    aioxmpp.sasl.SASLXMPPInterface.initiate = Mechanism.initiate
    asyncio.set_event_loop(asyncio.new_event_loop())
    agent = Agent(jid, password, address, int(port))
    asyncio.get_event_loop().run_until_complete(agent.run())


main()
