#!/usr/bin/python3
"""Components that nobody here wrote, at our server (XEP-0114).

    tests/interop/components.py --binary build/release/bin/balconyd

Debian's biboumi joins a user of slixmpp with a room of Debian's ngircd, where somebody talks IRC over a
plain socket; and slixmpp's own component says back what it is told. What is not installed is named
and left out, or fails with --require-all. Loopback only; nothing is left behind.
"""

import asyncio
import functools
import os
import shutil
import ssl
import subprocess
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

import one_server  # noqa: E402

PATIENCE_S = 20
SECRET = "it is the east"
# An address of this machine of our own: biboumi talks to port 6667.
IRC_ADDRESS = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{os.getpid() & 127 | 2}"
ROOM = f"#verona%{IRC_ADDRESS}@irc.localhost"


class Failed(Exception):
    pass


class Inbox:
    """What came, and who waits for it."""

    def __init__(self, who):
        self.who = who
        self.items = []
        self.changed = asyncio.Event()

    def put(self, *item):
        self.items.append(item)
        self.changed.set()

    async def wait(self, what, wanted):
        """The first thing that is `wanted`."""
        async def look():
            while True:
                for item in self.items:
                    if wanted(*item):
                        self.items.remove(item)
                        return item
                self.changed.clear()
                await self.changed.wait()
        try:
            return await asyncio.wait_for(look(), PATIENCE_S)
        except asyncio.TimeoutError:
            seen = "".join(f"\n  {item}" for item in self.items)
            raise Failed(f"{self.who}: {what} did not come; there is:{seen or ' nothing'}") from None


def make_user(account, server):
    """A logged in user of slixmpp; `inbox` has (kind, from, type, text)."""
    import slixmpp

    class User(slixmpp.ClientXMPP):
        def __init__(self):
            super().__init__(account.bare, account.password)
            self.inbox = Inbox(account.name)
            self.register_plugin("xep_0030")
            self.register_plugin("xep_0045")
            self.register_plugin("xep_0199")
            # Before plugins look at it: slixmpp keeps a room's news of oneself to itself.
            self.add_filter("in", self.on_stanza)
            self.add_event_handler("session_start", lambda _: self.inbox.put("online", "", "", ""))

        def get_ssl_context(self):
            context = super().get_ssl_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context

        def on_stanza(self, stanza):
            if stanza.name in ("message", "presence"):
                body = stanza["body"] if stanza.name == "message" else ""
                self.inbox.put(stanza.name, str(stanza["from"]), stanza["type"], body)
            return stanza

    user = User()
    user.connect(address=(server.address, server.port))
    return user


class IrcClient:
    """Somebody on IRC, over a socket (RFC 2812)."""

    def __init__(self, nick):
        self.nick = nick
        self.inbox = Inbox(f"{nick} on IRC")

    async def connect(self):
        for _ in range(50):
            try:
                self.reader, self.writer = await asyncio.open_connection(IRC_ADDRESS, 6667)
                break
            except OSError:
                await asyncio.sleep(0.1)
        else:
            raise Failed("ngircd does not listen")
        self.say(f"NICK {self.nick}")
        self.say(f"USER {self.nick} 0 * :Of the house of Capulet")
        self.reading = asyncio.get_running_loop().create_task(self.read())
        await self.inbox.wait("the welcome", lambda line: " 001 " in line)

    async def read(self):
        while line := (await self.reader.readline()).decode(errors="replace").rstrip():
            if line.startswith("PING"):
                self.say("PONG" + line[4:])
            else:
                self.inbox.put(line)

    def say(self, line):
        self.writer.write(line.encode() + b"\r\n")

    def close(self):
        self.reading.cancel()
        self.writer.close()


class Program:
    """A process with a log in the test's folder."""

    def __init__(self, folder, name, *command):
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_ngircd(folder):
    config = folder / "ngircd.conf"
    config.write_text(f"[Global]\nName = irc.verona.example\nInfo = Verona\nListen = {IRC_ADDRESS}\n"
                      "Ports = 6667\nServerUID = nobody\nServerGID = nogroup\nMotdPhrase = Hello\n"
                      f"[Limits]\nMaxConnectionsIP = 0\n[Options]\nDNS = no\nIdent = no\nPAM = no\n")
    os.chmod(folder, 0o755)
    os.chmod(config, 0o644)
    return Program(folder, "ngircd", shutil.which("ngircd"), "--nodaemon", "--config", str(config))


def start_biboumi(folder, server):
    config = folder / "biboumi.cfg"
    # What `balconyctl component add` prints, with this test's folder.
    config.write_text(f"hostname=irc.localhost\npassword={SECRET}\nxmpp_server_ip={server.address}\n"
                      f"port={server.component_port}\ndb_name={folder}/biboumi.sqlite\n"
                      "realname_customization=true\nrealname_from_jid=false\nlog_level=0\n")
    return Program(folder, "biboumi", shutil.which("biboumi"), str(config))


async def listed(user, domain):
    """Waits until the server's list of services has `domain`."""
    for _ in range(PATIENCE_S * 5):
        items = await user["xep_0030"].get_items("localhost")
        if domain in [str(item[0]) for item in items["disco_items"]["items"]]:
            return
        await asyncio.sleep(0.2)
    raise Failed(f"{domain} is not in disco#items of the server")


async def biboumi_and_irc(user, server, folder):
    """A user enters an IRC channel as a room and talks with somebody there, both ways."""
    programs = [start_ngircd(folder), start_biboumi(folder, server)]
    juliet = IrcClient("juliet")
    try:
        await juliet.connect()
        juliet.say("JOIN #verona")
        await juliet.inbox.wait("the channel", lambda line: " JOIN " in line)
        await listed(user, "irc.localhost")
        user["xep_0045"].join_muc(ROOM, "romeo")
        await user.inbox.wait("juliet in the room", lambda kind, who, what, _:
                              (kind, who, what) == ("presence", f"{ROOM}/juliet", "available"))
        await user.inbox.wait("romeo in the room", lambda kind, who, what, _:
                              (kind, who, what) == ("presence", f"{ROOM}/romeo", "available"))
        text = "But soft! <what> light & \"yonder\" window breaks?"
        user.send_message(mto=ROOM, mbody=text, mtype="groupchat")
        await juliet.inbox.wait("romeo's line", lambda line:
                                line.startswith(":romeo!") and line.endswith(f"PRIVMSG #verona :{text}"))
        juliet.say("PRIVMSG #verona :Ay me! <sighs> & 'so on'")
        await user.inbox.wait("juliet's line", lambda *got: got == (
            "message", f"{ROOM}/juliet", "groupchat", "Ay me! <sighs> & 'so on'"))
        juliet.say("PRIVMSG romeo :What man art thou?")
        kind, who, _, _ = await user.inbox.wait("the private line", lambda kind, who, what, body:
                                                body == "What man art thou?")
        user.send_message(mto=who, mbody="I know not how to tell thee", mtype="chat")
        await juliet.inbox.wait("the private answer", lambda line: line.endswith(
            "PRIVMSG juliet :I know not how to tell thee"))
        juliet.say("PART #verona :Madam!")
        await user.inbox.wait("juliet's leaving", lambda kind, who, what, _:
                              (kind, who, what) == ("presence", f"{ROOM}/juliet", "unavailable"))
        user["xep_0045"].leave_muc(ROOM, "romeo")
        await user.inbox.wait("romeo's leaving", lambda kind, who, what, _:
                              (kind, who, what) == ("presence", f"{ROOM}/romeo", "unavailable"))
        juliet.close()
    finally:
        for program in programs:
            program.stop()


async def slixmpp_component(user, server, _folder):
    """A component on slixmpp says back what it is told, and is asked what it is."""
    from slixmpp.componentxmpp import ComponentXMPP

    class Echo(ComponentXMPP):
        def __init__(self):
            super().__init__("echo.localhost", SECRET, server.address, server.component_port)
            for plugin in ("xep_0030", "xep_0199"):
                self.register_plugin(plugin)
            self.add_event_handler("message", self.on_message)

        def on_message(self, message):
            if message["type"] in ("chat", "normal"):
                message.reply(message["body"]).send()

    echo = Echo()
    echo.connect()
    try:
        await listed(user, "echo.localhost")
        user.send_message(mto="anybody@echo.localhost", mbody="wherefore <art> thou?", mtype="chat")
        await user.inbox.wait("the echo", lambda *got: got == (
            "message", "anybody@echo.localhost", "chat", "wherefore <art> thou?"))
        info = await user["xep_0030"].get_info("echo.localhost")
        if "http://jabber.org/protocol/disco#info" not in info["disco_info"]["features"]:
            raise Failed("the component says nothing of itself")
        if await user["xep_0199"].ping("echo.localhost") is None:
            raise Failed("the component answers no ping")
        if await echo["xep_0199"].ping(str(user.boundjid), ifrom="echo.localhost") is None:
            raise Failed("the user answers no ping")
    finally:
        await echo.disconnect(wait=1)


async def slixmpp_privileges(user, server, _folder):
    """slixmpp's XEP-0356, on which slidge stands: what is announced, a roster, a message."""
    from slixmpp.componentxmpp import ComponentXMPP

    announced = asyncio.Event()
    component = ComponentXMPP("slidge.localhost", SECRET, server.address, server.component_port)
    for plugin in ("xep_0030", "xep_0199", "xep_0297", "xep_0356"):
        component.register_plugin(plugin)
    component.add_event_handler("privileges_advertised", lambda _: announced.set())
    component.connect()
    # It takes the address that it connects to for the server's name.
    component.server_host = "localhost"
    plugin = component["xep_0356"]
    bare = user.boundjid.bare
    contact = "juliet@slidge.localhost"
    try:
        try:
            await asyncio.wait_for(announced.wait(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise Failed("slixmpp sees no privileges") from None
        if plugin.granted_privileges["roster"] != "both":
            raise Failed(f"slixmpp reads {plugin.granted_privileges}")
        await plugin.set_roster(bare, {contact: {"name": "Juliet", "subscription": "both"}})
        roster = await plugin.get_roster(bare)
        if contact not in [str(jid) for jid in roster["roster"]["items"]]:
            raise Failed("the contact is not in the roster")
        message = component.make_message(mto=bare, mfrom=bare, mbody="Romeo, doff thy name",
                                         mtype="chat")
        plugin.send_privileged_message(message)
        await user.inbox.wait("the message in his own name", lambda *got: got == (
            "message", bare, "chat", "Romeo, doff thy name"))
        asked = component.make_iq_get(ito=bare, ifrom="slidge.localhost")
        from slixmpp.xmlstream import ET
        inner = ET.fromstring("<privileged_iq xmlns='urn:xmpp:privilege:2'><iq type='get' id='x' "
                              "xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>"
                              "</privileged_iq>")
        asked.append(inner)
        answer = await asked.send(timeout=PATIENCE_S)
        if answer.xml.find(".//{jabber:client}iq[@id='x'][@type='result']") is None:
            raise Failed("a request in his name is not answered")
    finally:
        await component.disconnect(wait=1)


CASES = {"biboumi": (biboumi_and_irc, ("biboumi", "ngircd")), "slixmpp": (slixmpp_component, ()),
         "slixmpp privileges": (slixmpp_privileges, ())}


async def play(options, server, folder):
    results = {}
    account = server.accounts[0]
    user = make_user(account, server)
    await user.inbox.wait("the login", lambda kind, *_: kind == "online")
    user.send_presence()
    for name, (case, programs) in CASES.items():
        missing = [p for p in programs if not shutil.which(p)]
        if missing:
            results[name] = f"not installed: {' '.join(missing)}" if options.require_all else None
            continue
        try:
            await case(user, server, folder)
            results[name] = ""
        except Failed as failure:
            results[name] = str(failure)
        except Exception:  # a case that breaks is a failure too
            results[name] = traceback.format_exc()
    await user.disconnect(wait=1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return results


def main():
    options = one_server.parser(__doc__).parse_args()
    settings = {"component": {domain: {"secret": SECRET}
                              for domain in ("irc.localhost", "echo.localhost")}}
    settings["component"]["slidge.localhost"] = {"secret": SECRET, "privilege": {
        "roster": "both", "message": "outgoing",
        "iq": [{"namespace": "urn:xmpp:ping", "type": "get"}]}}
    return one_server.run("component", options, functools.partial(play, options),
                          settings=settings)


if __name__ == "__main__":
    sys.exit(main())
