"""Ports for servers under test."""

import random
import socket
from pathlib import Path


class Port(int):
    """A port that no other test on this machine is given while this object is kept: many look for
    ports beside each other, and between looking and listening a server may take seconds."""

    claim = None  # the socket that says so

    def __del__(self):
        if self.claim:
            self.claim.close()


def free_ports(count):
    """Ports that were free a moment ago, all different, and claimed. None that the kernel may give
    to a connection before the server has it: many are made while scenarios run."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    # Where the kernel gives away nearly all, it may as well choose.
    below = range(10_000, lowest) if lowest > 11_000 else [0]
    ports = []
    while len(ports) < count:
        port = _try(random.choice(below))
        if port is not None:
            ports.append(port)
    return ports


def _try(number):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return None
        port = Port(probe.getsockname()[1])
    # A name of the network, as ports are, and gone with the process that holds it.
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0balcony-tests-port-{port}")
    except OSError:
        claim.close()
        return None
    port.claim = claim
    return port
