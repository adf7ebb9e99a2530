"""The gateway to e-mail under kill -9: a mail that was answered 250 is there afterwards, and a message
that the server acknowledged becomes a mail.

Both recipients are away while the server lives: nurse has an archive, friar has none. Mails come by
LMTP over several connections; romeo writes mails from his client. Half of the kills come right behind
a 250.
"""

import random
import smtplib
import threading
import time

import drivers
from book import Book
from check import Reader
from drivers.ports import free_ports
from harness import accounts
from harness.errors import Failure
from harness.mail import Sink, escaped, wait_for_port
from managed import Managed
from recipient import Recipient

WRITERS = 3
SETTLE_S = 20
JULIET = "juliet@capulet.example"


class Letter:
    """A mail to a user, or a message that is to become one."""

    def __init__(self, body):
        self.body = body
        self.acknowledged = False

    def acknowledge(self):
        self.acknowledged = True

    def text(self):
        return (f"<message to='{escaped(JULIET)}' type='chat' id='{self.body}'>"
                f"<body>{self.body}</body></message>")


class Writer(threading.Thread):
    """Sends mails to `users` until the server is gone."""

    def __init__(self, world, name, users):
        super().__init__(daemon=True)
        self.world = world
        self.mine = random.Random(name)
        self.label = name
        self.users = users

    def run(self):
        number = 0
        try:
            with smtplib.LMTP("127.0.0.1", self.world.port, local_hostname="capulet.example",
                              timeout=30) as connection:
                while True:
                    number += 1
                    self._send(connection, f"{self.label}-{number}")
        except (OSError, smtplib.SMTPException):
            pass  # the server was killed

    def _send(self, connection, body):
        user = self.mine.choice(self.users)
        letter = Letter(body)
        self.world.letters[user].append(letter)
        mail = (f"From: {JULIET}\r\nTo: {user.bare}\r\nMessage-ID: <{body}@capulet.example>\r\n\r\n"
                f"{body}\r\n")
        try:
            refused = connection.sendmail(JULIET, [user.bare], mail)
        except smtplib.SMTPResponseException as error:
            # Not this one's fault: a stop or the like.
            self.world.book.count(f"answered {error.smtp_code}")
            raise
        if not refused:
            letter.acknowledged = True
            self.world.answered.set()


class World:
    """The server with its gateway, who writes, and who reads."""

    def __init__(self, options, seed):
        self.random = random.Random(seed)
        self.book = Book()
        self.sink = Sink(self)
        self.port = free_ports(1)[0]
        self.server = drivers.driver("balconyd")(options.binary, options.shards, {
            "storage": {"durability": options.durability},
            "auth": {"require_tls": False},
            "log": {"level": "info"},
            "limits": {"connections_per_address": 10_000},
            "modules": {"offline": {"messages_max": 100_000, "size_max": "100MiB"}},
            "gateway": {"mail": {
                "domain": "mail.localhost", "port": self.port, "who_may_write": "anyone",
                "messages_per_minute": 100_000, "messages_at_once": 100_000, "queue": 100_000,
                "submission": f"smtp://127.0.0.1:{self.sink.port}"}},
        })
        self.server.start_s = options.start_seconds
        known = {name: accounts.make(name, self.server.host, 1)
                 for name in ("romeo", "nurse", "friar")}
        self.server.accounts = list(known.values())
        self.readers = [Recipient(self.server, known[name], self.book, random.Random(name))
                        for name in ("nurse", "friar")]
        self.friar = known["friar"]
        self.romeo = Managed(self.server, known["romeo"], "desk")
        self.letters = {reader.account: [] for reader in self.readers}
        self.written = []  # by romeo in this round
        self.sent = 0      # how many of them were acknowledged in the last round
        self.mails = {}  # body -> how often it came to the sink
        self.answered = threading.Event()
        self.rounds = 0

    def keep(self, _):
        """What Sink asks of a stage; end() closes it."""

    def start(self):
        earlier = self.server.log_text().count("gateway connected")
        self.server.start()
        if not self.rounds:
            Reader(self.server, self.friar).never_archive()
        wait_for_port(self.server, earlier)

    def round(self):
        """Everybody is busy, the server is killed and comes again; what is wrong then."""
        self.rounds += 1
        self.answered.clear()
        if self.random.random() < 0.5:
            self.sink.refuse[JULIET] = "451 4.3.0 Later"  # what romeo writes has to wait
        users = [reader.account for reader in self.readers]
        threads = [Writer(self, f"{self.rounds}-{n}", users) for n in range(WRITERS)]
        threads.append(threading.Thread(target=self._romeo, daemon=True))
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.05, 0.8))
        if self.random.random() < 0.5:
            self.answered.clear()
            self.answered.wait(5)
        self.server.kill()
        for thread in threads:
            thread.join(30)
        self.sink.refuse.clear()
        self.start()
        return self._missing_messages() + self._missing_mails()

    def _romeo(self):
        try:
            self.romeo.forget()
            self.romeo.enter()
            while not self.romeo.eof:
                letter = Letter(f"out {self.rounds}-{len(self.written)}")
                self.written.append(letter)
                self.romeo.put(letter.text(), letter)
                self.romeo.ask()
                self.romeo.step(0.01)
        except (OSError, Failure):
            pass  # the server was killed
        self.romeo.close()

    def _missing_messages(self):
        problems = []
        for reader in self.readers:
            letters = self.letters[reader.account]
            reader.client.forget()
            reader.collect([letter.body for letter in letters if letter.acknowledged], SETTLE_S)
            for letter in letters:
                copies = len(reader.got.get(letter.body, []))
                if not (1 if letter.acknowledged else 0) <= copies <= 1:
                    said = "answered 250" if letter.acknowledged else "not answered"
                    problems.append(f"mail '{letter.body}' was {said}, and "
                                    f"{reader.account.user} has it {copies} times")
            letters.clear()
        return problems

    def _missing_mails(self):
        wanted = {letter.body for letter in self.written if letter.acknowledged}
        deadline = time.monotonic() + SETTLE_S
        while wanted - self.mails.keys() and time.monotonic() < deadline:
            try:
                mail = self.sink.mail(0.5)[2]
            except Failure:
                continue  # none came in this half second
            body = mail.get_content().strip()
            self.mails[body] = self.mails.get(body, 0) + 1
        gone = wanted - self.mails.keys()
        self.sent = len(wanted)
        self.written.clear()
        return [f"message '{body}' was acknowledged, and no mail came of it" for body in gone]

    def end(self, keep):
        self.server.stop()
        self.sink.close()
        if keep:
            (self.server.folder / "log").write_text(self.server.log_text())
            print(f"kept: {self.server.folder}")
        else:
            self.server.remove()


def check(options, seed):
    """(passed, failed) of the rounds."""
    world = World(options, seed)
    passed = failed = taken = 0
    try:
        world.start()
        for number in range(1, options.rounds + 1):
            try:
                problems = world.round()
            except Failure as failure:
                problems = [str(failure)]
            came = sum(len(reader.got) for reader in world.readers) - taken
            print(f"{'FAILED' if problems else 'ok':7} mails, round {number}: {came} came in, "
                  f"{world.sent} acknowledged on their way out", flush=True)
            for problem in problems[:20]:
                print(f"        {problem}")
            passed, failed = passed + (not problems), failed + bool(problems)
            taken = sum(len(reader.got) for reader in world.readers)
            if not world.server.alive():
                print("        the server is down: no more rounds")
                failed += options.rounds - number
                break
    finally:
        world.end(options.keep)
    return passed, failed
