"""Ports for servers under test: claimed, since many tests look for ports beside each other, and between
looking and listening a server may take seconds."""

import random
import socket
from pathlib import Path

_claims = {}  # port: the socket that says to all tests on this machine that it is taken


def free_ports(count):
    """Ports that were free a moment ago, all different. No other test is given them until
    give_back() or the end of this process. None that the kernel may give to a connection before the
    server has it: many are made while scenarios run."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    # Where the kernel gives away nearly all, it may as well choose.
    below = range(10_000, lowest) if lowest > 11_000 else [0]
    ports = []
    while len(ports) < count:
        port = _claim(random.choice(below))
        if port:
            ports.append(port)
    return ports


def give_back(ports):
    for port in ports:
        _claims.pop(port).close()


def _claim(number):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return None
        port = probe.getsockname()[1]
    # A name of the network, as ports are, and gone with the process that holds it.
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0balcony-tests-port-{port}")
    except OSError:
        claim.close()
        return None
    _claims[port] = claim
    return port
