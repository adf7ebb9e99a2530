"""The server and the accounts of a run, and what happens in one round."""

import statistics
import threading
import time

import drivers
from check import Reader, wrong_counts, wrong_deliveries, wrong_ids
from harness import accounts
from harness.errors import Closed, Failure
from recipient import Recipient
from sender import Sender

SENDERS = ("romeo", "mercutio", "benvolio")
SETTLE_S = 20  # until everything that was sent to a living server must be acknowledged


class World:
    """juliet is always there; nurse is offline while the server lives and reads at some ends of
    rounds; friar has no archive, comes and goes. Each of the senders has a roster."""

    def __init__(self, options, book, random):
        self.options = options
        self.book = book
        self.random = random
        self.server = drivers.driver("balconyd")(options.binary, options.shards, {
            "storage": {"durability": options.durability},
            "auth": {"require_tls": False},
            "log": {"level": "info"},
            "limits": {"connections_per_address": 10_000},
            "modules": {"offline": {"messages_max": 100_000, "size_max": "100MiB"}},
        })
        self.server.start_s = options.start_seconds
        names = (*SENDERS, "juliet", "nurse", "friar")
        known = {name: accounts.make(name, self.server.host, 1) for name in names}
        self.server.accounts = list(known.values())
        self.juliet, self.nurse, self.friar = (
            Recipient(self.server, known[name], book, self._own_random())
            for name in ("juliet", "nurse", "friar"))
        # Who sends to the friar waits for him: the others do not.
        to = [[known["juliet"], known["nurse"]]] * 2 + [[known["friar"]]]
        self.senders = [Sender(self.server, known[name], recipients, book, self._own_random())
                        for name, recipients in zip(SENDERS, to)]
        self.readers = {name: Reader(self.server, known[name])
                        for name in (*SENDERS, "juliet", "nurse")}
        self.friars_reader = Reader(self.server, known["friar"])
        self.starts, self.kills = [], []
        self.told = ""
        self._killed = threading.Event()

    def _own_random(self):
        return type(self.random)(self.random.random())

    def begin(self):
        self._start()
        self.friars_reader.never_archive()

    def end(self, keep):
        self.server.stop()
        if keep:
            (self.server.folder / "log").write_text(self.server.log_text())
            print(f"kept: {self.server.folder}")
        else:
            self.server.remove()

    def round(self, last):
        messages = len(self.book.messages)
        self.was_lazy = False
        moment = self._traffic()
        began = len(self.starts)
        self._start()
        self._come_back()
        self._check(last)
        lazy = ", friar lazy" if self.was_lazy else ""
        self.told = (f"killed {moment}{lazy}, {len(self.book.messages) - messages} messages, "
                     f"started in {self.starts[began]:.2f} s")

    def _start(self):
        began = time.monotonic()
        self.server.start()
        self.starts.append(time.monotonic() - began)

    # ---- until the kill

    def _traffic(self):
        """Everybody is busy, then the server is killed; says when."""
        self._killed.clear()
        for sender in self.senders:
            sender.begin()
        self.juliet.client.forget()
        self.juliet.come()
        self.friar.client.forget()
        self.friar.lazy = self.options.lazy or self.random.random() < 0.5
        self.was_lazy = self.friar.lazy
        self.friar_came = threading.Event()
        threads = [self._thread(sender.traffic) for sender in self.senders]
        threads.append(self._thread(self.juliet.stay))
        threads.append(self._thread(self._friar))
        moment = self._wait()
        self.kills.append(time.monotonic())
        self._killed.set()
        self.server.kill()
        for thread in threads:
            thread.join(30)
            if thread.is_alive():
                raise Failure("a client did not notice the end of the server")
        return moment

    def _friar(self):
        # What is sent before he comes waits for him.
        time.sleep(self.friar.random.uniform(0.0, 0.5))
        self.friar.come_and_go(self.friar_came.set)

    def _wait(self):
        """Waits for a random moment: of the traffic, or while stored messages are handed over."""
        seconds = self.random.uniform(0.1, 1.5)
        if self.random.random() < 0.6:
            time.sleep(seconds)
            return f"after {seconds:.3f} s"
        time.sleep(seconds / 2)
        self.friar_came.clear()
        self.friar_came.wait(3)
        seconds = self.random.uniform(0.0, 0.04)
        time.sleep(seconds)
        return f"{seconds * 1000:.1f} ms after a login"

    def _thread(self, work):
        def guarded():
            try:
                work()
            except Exception as error:
                # A client who was just connecting finds nobody.
                if not (self._killed.is_set() and isinstance(error, (Closed, Failure))
                        or self._dies_now(error)):
                    self.book.problem(f"{type(error).__name__}: {error}")
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def _dies_now(self, error):
        return isinstance(error, Closed) and self._killed.wait(0.5)

    # ---- after it

    def _come_back(self):
        """All senders at once."""
        problems = []

        def come(sender):
            try:
                sender.come_back(SETTLE_S)
            except Exception as error:
                problems.append(f"{type(error).__name__}: {error}")
        threads = [threading.Thread(target=come, args=(s,), daemon=True) for s in self.senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SETTLE_S + 30)
        for sender in self.senders:
            sender.client.close()
        for problem in problems:
            self.book.problem(problem)

    def _check(self, last):
        problems = []
        for sender in self.senders:
            reader = self.readers[sender.account.name]
            problems += [f"roster of {sender.account.user}: {text}"
                         for text in sender.roster.wrong(reader.roster())]
            problems += self._archive(reader, self.book.of(sender=sender.account), last)
        for one in (self.juliet, self.nurse):
            reader = self.readers[one.account.name]
            problems += self._archive(reader, self.book.of(to=one.account), last)
            problems += wrong_ids(one.account.user, one.ids, reader.ids, self.book.messages)
        self._empty_mailbox(self.friar)
        problems += wrong_deliveries(self.friar.account.user,
                                     self.book.of(to=self.friar.account), self.friar.got, self.kills)
        if last or self.random.random() < 0.5:
            self._empty_mailbox(self.nurse)
            got = {body: len(copies) for body, copies in self.nurse.got.items()}
            problems += wrong_counts("offline messages of nurse", self.book.of(to=self.nurse.account),
                                     got)
        for problem in problems:
            self.book.problem(problem)

    def _archive(self, reader, messages, whole):
        """What is new of it; with `whole` everything, once more."""
        known = dict(reader.ids)
        if whole:
            reader.forget()
        reader.read()
        gone = [f"the id {identity} of '{body}' is gone" for identity, body in known.items()
                if reader.ids.get(identity) != body]
        return [f"archive of {reader.account.user}: {text}" for text in gone] + wrong_counts(
            f"archive of {reader.account.user}", messages, reader.counts)

    def _empty_mailbox(self, one):
        one.client.forget()
        one.lazy = False
        wanted = [m.body for m in self.book.of(to=one.account)
                  if m.acknowledged and not m.refused]
        one.collect(wanted, SETTLE_S)

    # ---- at the end

    def figures(self):
        """Lines about the whole run."""
        messages = list(self.book.messages.values())
        acknowledged = sum(m.acknowledged for m in messages)
        # The first start was on new data.
        after = self.starts[1:] or self.starts
        yield (f"messages: {len(messages)} sent, {acknowledged} acknowledged, "
               + ", ".join(f"{what}: {count}" for what, count in sorted(self.book.figures.items())))
        counts = self.readers["juliet"].counts
        open_ones = [m for m in messages if not m.acknowledged and m.to == self.juliet.account]
        yield (f"archive: {sum(len(r.ids) for r in self.readers.values())} rows; of "
               f"{len(open_ones)} messages to juliet that nobody acknowledged "
               f"{sum(1 for m in open_ones if counts[m.body])} are there")
        seen = self.juliet.ids
        yield (f"ids seen in messages: {len(seen)}, of these not in the archive (not acknowledged to "
               f"their senders at the kill): {len(seen.keys() - self.readers['juliet'].ids.keys())}")
        again = sum(1 for copies in self.friar.got.values() if len(copies) > 1)
        yield f"without an archive: {len(self.friar.got)} received, {again} of them more than once"
        yield (f"start after a kill: median {statistics.median(after):.2f} s, "
               f"most {max(after):.2f} s")
