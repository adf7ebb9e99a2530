"""Accounts of scenarios. Each scenario gets accounts of its own, so that many can run against one
server at the same time: where a file says romeo@localhost, the server sees romeo-17@localhost."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    name: str  # as the scenario calls it
    user: str  # as the server knows it
    host: str
    password: str

    @property
    def bare(self):
        return f"{self.user}@{self.host}"


def make(name, host, number, password=None):
    user = f"{name}-{number}"
    return Account(name, user, host, password or f"secret of {user}")


class Renaming:
    """Turns the names in a scenario's text into those of its accounts."""

    def __init__(self, accounts):
        self._real = {f"{a.name}@{a.host}": a.bare for a in accounts}
        names = "|".join(re.escape(name) for name in self._real)
        self._pattern = re.compile(rf"(?<![\w.-])(?:{names})(?![\w.-])") if names else None

    def __call__(self, text):
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._real[found[0]], text)
