"""The world of mail around a server with the mail gateway: a submission server that keeps what it is
given, and somebody who sends."""

import email
import email.policy
import queue
import re
import smtplib
import socket
import socketserver
import threading
import time

from .errors import Failure, check
from .xmltree import CLIENT

PATIENCE_S = 10


class Sink:
    """A submission server (RFC 5321) of a few lines. `refuse` maps a recipient to a reply."""

    def __init__(self, stage, port=0):
        self.mails = queue.Queue()
        self.refuse = {}
        self.tries = 0
        sink = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    sink._talk(self.rfile, self.wfile)
                except ConnectionError:
                    pass  # the server was killed

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Talk)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        stage.keep(self)

    def _talk(self, lines, out):
        def say(text):
            out.write(text.encode() + b"\r\n")

        say("220 sink.example ESMTP")
        sender, recipients = None, []
        for raw in lines:
            line = raw.decode().rstrip("\r\n")
            verb = line.upper()
            if verb.startswith("EHLO"):
                say("250-sink.example\r\n250 8BITMIME")
            elif verb.startswith("MAIL FROM:"):
                self.tries += 1
                sender, recipients = re.search("<(.*)>", line)[1], []
                say("250 2.1.0 OK")
            elif verb.startswith("RCPT TO:"):
                recipient = re.search("<(.*)>", line)[1]
                say(self.refuse.get(recipient, "250 2.1.5 OK"))
                recipients.append(recipient)
            elif verb == "DATA":
                say("354 go on")
                data = b""
                for raw_line in lines:
                    if raw_line == b".\r\n":
                        break
                    data += raw_line[1:] if raw_line.startswith(b".") else raw_line
                self.mails.put((sender, recipients, data))
                say("250 2.0.0 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 OK")

    def mail(self, seconds=PATIENCE_S):
        """The next mail: (sender, recipients, parsed, bytes)."""
        try:
            sender, recipients, data = self.mails.get(timeout=seconds)
        except queue.Empty:
            raise Failure("no mail came") from None
        check(b"\n" not in data.replace(b"\r\n", b""), f"a line without CRLF: {data!r}")
        check(b"\r" not in data.replace(b"\r\n", b""), f"a lone CR: {data!r}")
        check(max(map(len, data.split(b"\r\n"))) <= 998, "a long line")
        parsed = email.message_from_bytes(data.replace(b"\r\n", b"\n"), policy=email.policy.default)
        return sender, recipients, parsed, data

    def nothing(self, seconds=0.5):
        try:
            raise Failure(f"a mail came: {self.mails.get(timeout=seconds)}")
        except queue.Empty:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def start_gateway(stage, **options):
    """Gives the running server a mail gateway by a reload; (the sink, the gateway's port)."""
    sink = Sink(stage)
    settings = {"domain": "mail.localhost", "port": 0,
                "submission": f"smtp://127.0.0.1:{sink.port}", **options}
    stage.apply({"gateway": {"mail": settings}})
    stage.control("reload")
    return sink, wait_for_port(stage)


def wait_for_port(stage, earlier=0, log=None):
    """The port of the gateway that listens after `earlier` others, once the server knows it. `log`
    gives the text that says so; the server's own if unsaid."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        text = (log or stage.log_text)()
        found = re.findall(r"listening kind=mail address=127\.0\.0\.1:(\d+)", text)
        if len(found) > earlier and text.count("gateway connected") > earlier:
            return int(found[-1])
        time.sleep(0.02)
    raise Failure("the gateway did not start:\n" + stage.log_text()[-2000:])


def escaped(address):
    """The JID of an address at the gateway (XEP-0106), for what these scenarios use."""
    for character, code in (("\\", "5c"), (" ", "20"), ('"', "22"), ("&", "26"), ("'", "27"),
                            ("/", "2f"), (":", "3a"), ("<", "3c"), (">", "3e"), ("@", "40")):
        address = address.replace(character, f"\\{code}")
    return f"{address}@mail.localhost"


def add_contact(client, address):
    """Asks for the address's presence; takes in what comes until it is shown as available. Who has
    asked for the roster before sees the grant too (RFC 6121 §3.1.6)."""
    jid = escaped(address)
    client.send(f"<presence to='{jid}' type='subscribe'/>")
    while (stanza := client.receive()).get("from") != jid or stanza.get("type") is not None:
        check(stanza.get("type") != "unsubscribed", "refused")
    return jid


def message(client, seconds=PATIENCE_S):
    """The next message; presence and roster pushes are passed over."""
    deadline = time.monotonic() + seconds
    while True:
        stanza = client.receive(max(0.1, deadline - time.monotonic()))
        if stanza.tag == f"{{{CLIENT}}}message":
            return stanza


def text(stanza, name="body"):
    return stanza.findtext(f"{{{CLIENT}}}{name}")


def send(port, mail, sender, recipients, lmtp=False):
    """Sends a mail; what was said of each recipient that was refused."""
    kind = smtplib.LMTP if lmtp else smtplib.SMTP
    with kind("127.0.0.1", port, local_hostname="montague.example", timeout=30) as connection:
        try:
            return connection.sendmail(sender, recipients, mail.encode())
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients
        except smtplib.SMTPDataError as refused:
            return {r: (refused.smtp_code, refused.smtp_error) for r in recipients}


def talk(port, data, seconds=PATIENCE_S):
    """Writes bytes and reads until the other end closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        heard = b""
        while piece := connection.recv(65536):
            heard += piece
        return heard
