#!/usr/bin/python3
"""The gateway to e-mail with a mail server and mail programs that nobody here wrote.

    tests/interop/mail.py --binary build/release/bin/balconyd

A person chats with slixmpp; Debian's OpenSMTPD takes the mail and delivers it into a mailbox, where
s-nail reads it and answers; OpenSMTPD hands the answer to the gateway (LMTP), and it is there in the chat.
swaks then writes an HTML mail with an attachment, and a mail to nobody bounces. Then the gateway
submits to aiosmtpd, which wants TLS and a login (submission.py). OpenSMTPD has its
queue in one place of the machine, so it needs root, and nobody else's may run. What is missing is
named and left out, or fails with --require-all. Loopback only; nothing is left behind.
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

from components import Failed, Program, make_user  # noqa: E402
from drivers.ports import free_ports  # noqa: E402
import one_server  # noqa: E402
import submission  # noqa: E402

PATIENCE_S = 20
JULIET = "juliet@capulet.example"
CONTACT = "juliet\\40capulet.example@mail.localhost"
PROGRAMS = ("smtpd", "s-nail", "swaks")


class MailServer:
    """OpenSMTPD: capulet.example is a mailbox here, localhost is at the gateway."""

    def __init__(self, folder, port, gateway_port):
        self.port = port
        self.box = folder / "box"
        self.box.mkdir(mode=0o777)
        os.chmod(self.box, 0o777)
        os.chmod(folder, 0o755)
        config = folder / "smtpd.conf"
        config.write_text(
            f"listen on 127.0.0.1 port {port}\n"
            "table boxes { \"juliet@capulet.example\" = \"nobody\" }\n"
            f"action \"chat\" relay host \"lmtp://127.0.0.1:{gateway_port}\"\n"
            f"action \"box\" mda \"(echo From x Mon Jan 1 00:00:00 2026; cat; echo) >> {self.box}/mbox\""
            " virtual <boxes>\n"
            "match from any for domain \"localhost\" action \"chat\"\n"
            "match from any for domain \"capulet.example\" action \"box\"\n")
        os.chmod(config, 0o600)
        self.program = Program(folder, "smtpd", shutil.which("smtpd", path=PATH), "-d", "-f",
                               str(config))

    def mails(self, count):
        """Waits until the mailbox holds so many."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                text = (self.box / "mbox").read_text()
            except FileNotFoundError:
                text = ""
            if len(re.findall(r"^From x ", text, re.MULTILINE)) >= count:
                return text
            time.sleep(0.1)
        raise Failed(f"there are no {count} mails in the mailbox:\n" + self.program.log.read_text())

    def stop(self):
        self.program.stop()


PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PATH": PATH})
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def reply_with_mail_program(server, number, text, folder):
    """Juliet opens her mailbox and answers."""
    shutil.copy(server.box / "mbox", folder / "mbox")
    run("s-nail", "-n", "-#", "-S", "v15-compat=y", "-S", f"mta=smtp://127.0.0.1:{server.port}",
        "-S", "smtp-auth=none", "-S", f"from={JULIET}", "-S", "sendwait", "-S", "sendcharsets=utf-8",
        "-S", "hostname=capulet.example", "-f", str(folder / "mbox"),
        text=f"reply {number}\n{text}\n~.\nquit\n")


def swaks(server, user, *more):
    return run("swaks", "--server", f"127.0.0.1:{server.port}", "--from", JULIET, "--to", user,
               "--helo", "capulet.example", "--header", "X-Mailer: swaks", *more)


async def from_chat_to_mail_and_back(user, server, folder):
    """Romeo writes from his chat client, Juliet answers from her mail program."""
    user.send_presence_subscription(pto=CONTACT)
    await user.inbox.wait("juliet's presence", lambda kind, who, what, _:
                          (kind, who, what) == ("presence", CONTACT, "available"))
    text = "But soft! What light through yonder window breaks? 🌅 Grüße"
    user.send_message(mto=CONTACT, mbody=text, mtype="chat", msubject="The balcony")
    mail = await asyncio.to_thread(server.mails, 1)
    if "Subject: The balcony" not in mail or f"From: {user.boundjid.bare}" not in mail:
        raise Failed(f"the mail is another one:\n{mail}")
    await asyncio.to_thread(reply_with_mail_program, server, 1, "Ay me! And für dich 💘", folder)
    await user.inbox.wait("the answer", lambda *got: got == (
        "message", CONTACT, "chat", "Ay me! And für dich 💘"))
    user.send_message(mto=CONTACT, mbody="She speaks", mtype="chat")
    mail = await asyncio.to_thread(server.mails, 2)
    second = mail[mail.index("From x ", 10):]
    if "Subject: Re: The balcony" not in second or "In-Reply-To: <" not in second:
        raise Failed(f"the thread is lost:\n{second}")


async def html_and_attachment(user, server, folder):
    """swaks sends HTML with an attachment."""
    (folder / "rose.bin").write_bytes(b"A rose by any other name" * 100)
    await asyncio.to_thread(
        swaks, server, user.boundjid.bare, "--header", "Subject: What is in a name",
        "--attach-type", "text/html", "--attach-body", "<p>That which we call a <b>rose</b></p>",
        "--attach", f"@{folder}/rose.bin")
    await user.inbox.wait("the mail", lambda kind, who, what, body: (
        kind, who) == ("message", CONTACT) and body.startswith(
        "What is in a name\n\nThat which we call a rose\n[Attachment, not taken: rose.bin"))


async def bounce(user, server, folder):
    """A mail to an address that is none there comes back as an error of the message."""
    nobody = "nobody\\40capulet.example@mail.localhost"
    user.send_presence_subscription(pto=nobody)
    await user.inbox.wait("nobody's presence", lambda kind, who, what, _:
                          (kind, who, what) == ("presence", nobody, "available"))
    user.send_message(mto=nobody, mbody="Is anybody there?", mtype="chat")
    await user.inbox.wait("the error", lambda kind, who, what, _:
                          (kind, who, what) == ("message", nobody, "error"))


CASES = {"opensmtpd and s-nail": from_chat_to_mail_and_back, "opensmtpd and swaks": html_and_attachment,
         "opensmtpd's bounce": bounce}


async def play(server, mail_server, submit, folder):
    results = {}
    user = make_user(server.accounts[0], server)
    await user.inbox.wait("the login", lambda kind, *_: kind == "online")
    user.send_presence()
    await user.get_roster()
    steps = [(name, case, (mail_server, folder)) for name, case in CASES.items()]
    steps += [(name, case, (server, submit)) for name, case in submission.CASES.items()]
    for name, case, world in steps:
        try:
            await case(user, *world)
            results[name] = ""
        except Failed as failure:
            results[name] = str(failure)
        except Exception:  # a case that breaks is a failure too
            results[name] = traceback.format_exc()
    await user.disconnect(wait=1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    return results


def impossible():
    """Why this cannot be tried on this machine, or nothing."""
    if os.geteuid() != 0:
        return "OpenSMTPD needs root"
    if subprocess.run(["smtpctl", "show", "status"], capture_output=True,
                      env=os.environ | {"PATH": PATH}).returncode == 0:
        return "an OpenSMTPD runs already"
    return ""


def main():
    options = one_server.parser(__doc__).parse_args()
    missing = [p for p in PROGRAMS if not shutil.which(p, path=PATH)]
    if not importlib.util.find_spec("aiosmtpd"):
        missing.append("aiosmtpd")
    reason = f"not installed: {' '.join(missing)}" if missing else impossible()
    if reason:
        failed = bool(missing) and options.require_all
        print(f"{'FAILED interop mail' if failed else 'mail: not run'}: {reason}")
        print(f"0 passed, {int(failed)} failed")
        return int(failed)
    mail_port, gateway_port = free_ports(2)
    settings = {"gateway": {"mail": {"domain": "mail.localhost", "port": gateway_port,
                                     "submission": f"smtp://127.0.0.1:{mail_port}"}}}

    async def with_mail_servers(server, folder):
        with contextlib.ExitStack() as stack:
            mail_server = MailServer(folder, mail_port, gateway_port)
            stack.callback(mail_server.stop)
            submit = submission.Submission(folder)
            stack.callback(submit.stop)
            return await play(server, mail_server, submit, folder)
    return one_server.run("mail", options, with_mail_servers, settings=settings)


if __name__ == "__main__":
    sys.exit(main())
