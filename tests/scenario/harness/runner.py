"""Runs cases against servers and reports."""

import concurrent.futures
import threading
import time
import traceback
from dataclasses import dataclass

from .connection import Transcript
from .errors import BrokenScenario, Failure, Skip


@dataclass
class Outcome:
    case: object
    result: str  # passed, failed, skipped, differs
    seconds: float
    message: str = ""
    transcript: object = None


class Runner:
    """One run: a shared server for most cases, a fresh one for those that ask for it."""

    def __init__(self, driver, options):
        self._driver = driver
        self._options = options
        self._printing = threading.Lock()
        self._restarting = threading.Lock()
        self._shared = None
        self._deaths = []  # (reason, log) of servers that did not end as they should

    def run(self, cases):
        """Plays all cases; returns the number of failures."""
        started = time.monotonic()
        shared = [case for case in cases if not case.fresh]
        if shared:
            self._shared = self._make(None, [a for c in shared for a in c.accounts.values()])
            self._shared.start()
            print(f"{self._driver.name} started in {time.monotonic() - started:.1f} s", flush=True)
        try:
            with concurrent.futures.ThreadPoolExecutor(self._options.jobs) as pool:
                outcomes = list(pool.map(self._one, cases))
        finally:
            self._finish()
        return self._summary(outcomes, time.monotonic() - started)

    def _make(self, settings, accounts):
        server = self._driver(self._options.binary, self._options.shards, settings)
        server.accounts = accounts
        return server

    def _one(self, case):
        started = time.monotonic()
        transcript = Transcript()
        result, message = "passed", ""
        try:
            self._play(case, transcript)
        except Skip as skip:
            result, message = "skipped", str(skip)
        except BrokenScenario as broken:
            result, message = "failed", f"the scenario is broken: {broken}"
        except Failure as failure:
            result, message = "failed", str(failure)
        except Exception:  # a scenario in Python may fail in any way; report it like the others
            result, message = "failed", traceback.format_exc()
        known = case.differs.get(self._driver.name)
        if known and result == "failed":
            result, message = "differs", f"{known}\n{message}"
        outcome = Outcome(case, result, time.monotonic() - started, message, transcript)
        self._print(outcome, known)
        return outcome

    def _play(self, case, transcript):
        if not case.fresh:
            self._ensure_shared()
            case.play(self._shared, transcript)
            return
        reason = self._driver.unsupported(case.settings)
        if reason:
            raise Skip(reason)
        server = self._make(case.settings, list(case.accounts.values()))
        try:
            server.start()
            case.play(server, transcript)
        finally:
            server.stop()
            self._keep_log(server, case.name.replace("/", "_").replace(":", "_"))

    def _ensure_shared(self):
        with self._restarting:
            if not self._shared.alive():
                self._deaths.append(("the server died", self._shared.log_text()))
                print("THE SERVER DIED; it is started again", flush=True)
                self._shared.start()

    def _finish(self):
        if self._shared:
            died = not self._shared.alive()
            code = self._shared.stop()
            if died or code not in (0, -15):
                self._deaths.append((f"the server ended with {code}", self._shared.log_text()))
            self._keep_log(self._shared, "shared")

    def _keep_log(self, server, name):
        if self._options.logs:
            (self._options.logs / f"{name}.log").write_text(server.log_text())
        server.remove()

    def _print(self, outcome, known):
        with self._printing:
            reason = outcome.message.split("\n")[0] if outcome.result in ("skipped", "differs") else ""
            if known and outcome.result == "passed":
                reason = "(although it is marked as differing)"
            print(f"{outcome.result:8} {outcome.seconds:6.2f} s  {outcome.case.name}  {reason}")
            if self._options.verbose and outcome.result != "failed":
                self._tell(outcome)
            print(end="", flush=True)

    def _tell(self, outcome):
        """Title, transcript, and last what went wrong: who reads the end only, reads that."""
        told = [outcome.case.title, *("  " + line for line in outcome.transcript.show()),
                outcome.message]
        for line in "\n".join(told).rstrip().split("\n"):
            print(f"    {line}")

    def _summary(self, outcomes, seconds):
        count = {r: sum(o.result == r for o in outcomes)
                 for r in ("passed", "failed", "skipped", "differs")}
        # tools/ci finds failures by this form.
        for outcome in outcomes:
            if outcome.result == "failed":
                print(f"FAILED scenario {outcome.case.name}")
                self._tell(outcome)
        for reason, log in self._deaths:
            print(f"FAILED scenario {reason}")
            print("\n".join(f"    {line}" for line in log.splitlines()[-100:]))
        count["failed"] += len(self._deaths)
        rest = "".join(f", {count[r]} {word}" for r, word in
                       (("skipped", "skipped"), ("differs", "differ as marked")) if count[r])
        print(f"{count['passed']} passed, {count['failed']} failed{rest} ({seconds:.1f} s)")
        return count["failed"]
