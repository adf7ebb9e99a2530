"""The load on one core, the server on the others.

Where both share two cores, the kernel puts a server's thread now on the core of the load and now on the
other one, and waking the other core costs three times as much: medians then say more about that than
about the server.
"""

import contextlib
import os


def _place(pid, cores):
    """All threads of the process; those that it starts later inherit it."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), cores)


@contextlib.contextmanager
def apart(pid):
    """What is started inside runs on the first core, the process `pid` on the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    _place(pid, cores[1:])
    os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        _place(pid, cores)
