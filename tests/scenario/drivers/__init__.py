"""Servers under test. A driver makes a server's configuration, starts and stops it."""


def driver(name):
    """The driver class for `--server NAME`."""
    if name == "balconyd":
        from .balconyd import Balconyd
        return Balconyd
    if name == "prosody":
        from .prosody import Prosody
        return Prosody
    raise SystemExit(f"there is no driver for the server {name}")
