"""Submission with TLS and a login: aiosmtpd, an SMTP server that nobody here wrote, which takes mail by
STARTTLS at one port and by TLS from the beginning at another, and at both only after AUTH.

Used by mail.py. aiosmtpd runs in threads of this process; certificates are of an authority of the
test's own.
"""

import asyncio
import logging
import queue
import ssl

from components import Failed
from drivers.ports import free_ports
from harness.authority import Authority
from harness.mail import wait_for_port

LOGIN, PASSWORD = "gateway", "wherefore art thou"
PATIENCE_S = 20
CONTACT = "juliet\\40capulet.example@mail.localhost"


class Submission:
    """Both ports. `mails` has (sender, recipients, bytes)."""

    def __init__(self, folder):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
        self.authority = Authority(folder / "authority")
        chain, key = self.authority.server("localhost", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.mails = queue.Queue()
        # It tells of each handshake that a client ends.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)

        def authenticate(_server, _session, _envelope, _mechanism, data):
            good = (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode())
            return AuthResult(success=good, handled=False)

        self.ports = dict(zip(("smtp", "smtps"), free_ports(2)))
        common = {"hostname": "127.0.0.1", "authenticator": authenticate, "auth_required": True}
        self._starttls = Controller(self, port=self.ports["smtp"], tls_context=context,
                                    require_starttls=True, **common)
        self._tls = Controller(self, port=self.ports["smtps"], ssl_context=context,
                               auth_require_tls=False, **common)
        for controller in (self._starttls, self._tls):
            controller.start()

    async def handle_DATA(self, _server, session, envelope):
        """aiosmtpd's name for it."""
        if not session.authenticated:
            return "530 5.7.0 Who are you?"
        self.mails.put((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 Taken"

    def mail(self):
        try:
            return self.mails.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Failed("no mail was submitted") from None

    def stop(self):
        for controller in (self._starttls, self._tls):
            controller.stop()


def submit_by(server, where, scheme, /, **options):
    """From now on the gateway hands mail over there, with the login unless `options` say else."""
    earlier = server.log_text().count("gateway connected")
    mail = server.settings["gateway"]["mail"]
    server.apply({"gateway": {"mail": {
        "domain": mail["domain"], "port": mail["port"], "who_may_write": "users", "retry_for": 0,
        "submission": f"{scheme}://localhost:{where.ports[scheme]}",
        "submission_tls": "required", "submission_user": LOGIN, "submission_password": PASSWORD,
        "submission_ca": where.authority.certificate, **options}}})
    server.control("reload")
    wait_for_port(server, earlier)


async def with_a_login(user, server, submission):
    """STARTTLS and TLS from the beginning, each with the password."""
    for scheme in ("smtp", "smtps"):
        await asyncio.to_thread(submit_by, server, submission, scheme)
        user.send_message(mto=CONTACT, mbody=f"Let me in by {scheme}", mtype="chat")
        sender, recipients, mail = await asyncio.to_thread(submission.mail)
        if (sender, recipients) != (user.boundjid.bare, ["juliet@capulet.example"]):
            raise Failed(f"the envelope is another one: {sender} {recipients}")
        if f"Let me in by {scheme}".encode() not in mail:
            raise Failed(f"by {scheme} came another mail:\n{mail}")


async def refused(user, server, submission):
    """A wrong password, none, a certificate of somebody else's authority, and one for another name:
    the sender gets an error, the operator a line that says what to mend, and no mail goes out."""
    other = Authority(submission.authority.folder / "other")
    address = f"smtp://127.0.0.1:{submission.ports['smtp']}"
    certificate = "the server's certificate is not good (submission_ca)"
    for options, line in (
            ({"submission_password": "therefore"}, "the server refuses submission_user"),
            ({"submission_user": "", "submission_password": ""}, None),
            ({"submission_ca": other.certificate}, certificate),
            ({"submission": address}, certificate)):
        await asyncio.to_thread(submit_by, server, submission, "smtp", **options)
        begin = len(server.log_text())
        user.send_message(mto=CONTACT, mbody="Let me in", mtype="chat")
        await user.inbox.wait("the error", lambda kind, who, what, _:
                              (kind, who, what) == ("message", CONTACT, "error"))
        log = server.log_text()[begin:]
        if line and line not in log:
            raise Failed(f"the log does not say '{line}':\n{log}")
        if not submission.mails.empty() or "therefore" in log or PASSWORD in log:
            raise Failed(f"a mail went out, or the password is in the log:\n{log}")


CASES = {"aiosmtpd with TLS and a login": with_a_login, "aiosmtpd refuses, or is another": refused}
