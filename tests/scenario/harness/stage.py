"""What a scenario written in Python gets: clients of its own accounts, and the server.

    @scenario(users="romeo juliet", config="auth_timeout_s = 2")
    def scenario_example(stage):
        \"\"\"RFC 6120 §8: one line that says what is shown.\"\"\"
        romeo = stage.client("romeo").online()
"""

from .befriend import befriend
from .client import Client


def scenario(users="romeo juliet", config="", fresh=False, differs=None, host=None):
    """Declares what a scenario needs. `fresh`: a server of its own, also without a `config`.
    `differs`: {server: reason} where a server is known not to do what the RFC says."""
    def mark(function):
        function.needs = {"users": users.split(), "config": config, "fresh": fresh,
                          "differs": differs or {}, "host": host}
        return function
    return mark


class Stage:
    """The clients of one scenario. Everything else is asked of the server."""

    def __init__(self, server, accounts, transcript):
        self.server = server
        self.accounts = accounts
        self.transcript = transcript
        self._clients = []

    def __getattr__(self, name):
        return getattr(self.server, name)

    def client(self, user, resource=None, name=None):
        """A client of the account `user`; not yet connected."""
        client = Client(self.server, name or resource or user, self.account(user), resource,
                        self.transcript)
        self._clients.append(client)
        return client

    def raw(self, name="raw"):
        """A connection without an account."""
        client = Client(self.server, name, None, None, self.transcript)
        self._clients.append(client)
        return client

    def keep(self, connection):
        """Closes this connection too when the scenario is over."""
        self._clients.append(connection)

    def account(self, user):
        return next(a for a in self.accounts.values() if a.name == user)

    def bare(self, user):
        return self.account(user).bare

    def befriend(self, first, second):
        befriend(self.server, self.account(first), self.account(second), self.transcript)

    def say(self, text):
        self.transcript.add("", "#", text)

    def close(self):
        for client in self._clients:
            client.close()
