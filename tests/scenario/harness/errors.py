"""The ways in which a scenario can end early."""


class Failure(Exception):
    """The server did not do what the scenario expects."""


class Skip(Exception):
    """The scenario does not apply to this server; the message says why."""


class Timeout(Failure):
    """Nothing (or not enough) came in time."""


class Closed(Failure):
    """The server closed the stream or the connection."""


class BrokenScenario(Exception):
    """The scenario itself is wrong; the message names file and line."""


def check(condition, message):
    """Fails the scenario with `message` unless `condition` holds."""
    if not condition:
        raise Failure(message)


def check_equal(actual, expected, what):
    """Fails the scenario unless both values are equal."""
    if actual != expected:
        raise Failure(f"{what}: expected {expected!r}, got {actual!r}")
