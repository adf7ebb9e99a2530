#!/usr/bin/python3
"""slixmpp as an agent: see README.md for the lines that go in and out."""

import asyncio
import ssl
import sys

import slixmpp


def say(*words):
    print("\t".join(str(word) for word in words), flush=True)


class Agent(slixmpp.ClientXMPP):
    def __init__(self, jid, password, reach):
        super().__init__(jid, password)
        self.reach = reach
        self.auto_authorize, self.auto_subscribe = True, False
        self.register_plugin("xep_0203")
        self.register_plugin("xep_0198")
        self.quitting = False
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("presence_available", self.on_presence)
        self.add_event_handler("presence_unavailable", self.on_presence)
        self.add_event_handler("failed_all_auth", lambda _: say("failed", "authentication"))
        self.add_event_handler("session_resumed", lambda _: say("resumed"))
        self.add_event_handler("disconnected", self.on_disconnected)

    def get_ssl_context(self):
        """The server's certificate is self-signed."""
        context = super().get_ssl_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def on_disconnected(self, _):
        say("offline")
        if not self.quitting:
            self.connect(self.reach)

    async def on_start(self, _):
        say("online", self.boundjid.full, self["feature_mechanisms"].mech.name)
        if hasattr(self, "reading"):
            return
        # Kept, because the loop itself does not keep its tasks alive.
        self.reading = asyncio.get_running_loop().create_task(self.commands())

    def on_message(self, message):
        if message["body"]:
            delayed = message.xml.find("{urn:xmpp:delay}delay") is not None
            say("message", message["from"], message["body"], int(delayed))

    def on_presence(self, presence):
        say("presence", presence["from"], presence["type"])

    async def commands(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().rstrip("\n"):
            command, *words = line.split("\t")
            if command == "presence":
                self.send_presence()
            elif command == "roster":
                await self.get_roster()
                items = [f"{j}={self.client_roster[j]['subscription']}" for j in self.client_roster
                         if j != self.boundjid.bare]
                say("roster", " ".join(items))
            elif command == "subscribe":
                self.send_presence(pto=words[0], ptype="subscribe")
            elif command == "send":
                self.send_message(mto=words[0], mbody=words[1], mtype="chat")
            elif command == "quit":
                break
        pipe[0].close()
        self.quitting = True
        await self.disconnect()
        loop.stop()


def main():
    jid, password, address, port = sys.argv[1:]
    asyncio.set_event_loop(asyncio.new_event_loop())
    agent = Agent(jid, password, (address, int(port)))
    agent.connect(agent.reach)
    agent.process(forever=True)


main()
