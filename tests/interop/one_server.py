"""What the runners share that play against one balconyd: its options, its life, and the results."""

import argparse
import asyncio
import shutil
import tempfile
from pathlib import Path

import drivers
from harness import accounts


def parser(doc):
    made = argparse.ArgumentParser(description=doc)
    made.add_argument("--binary", required=True, help="balconyd")
    made.add_argument("--shards", type=int, default=2, help="shards of balconyd")
    made.add_argument("--require-all", action="store_true",
                      help="what is not installed counts as a failure")
    made.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    return made


def run(label, options, play, users=("romeo",), settings=None):
    """`play(server, folder)` gives {name: why it failed, "" or None: not run}; the exit code."""
    folder = Path(tempfile.mkdtemp(prefix=f"interop-{label}-"))
    server = drivers.driver("balconyd")(options.binary, options.shards, settings)
    server.accounts = [accounts.make(name, server.host, 0) for name in users]
    results = {}
    try:
        server.start()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # slixmpp asks for it
        results = loop.run_until_complete(play(server, folder))
    finally:
        server.stop()
        (folder / "server.log").write_text(server.log_text())
        server.remove()
    for name, result in results.items():
        print(f"{name}: {'not run' if result is None else 'FAILED' if result else 'passed'}")
    passed, failed = tell_failures(label, results)
    print(f"{passed} passed, {failed} failed")
    if options.keep or failed:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed or not results else 0


def tell_failures(label, results):
    """Prints why, in the form in which tools/ci finds it; how many passed and failed."""
    for name, why in results.items():
        if why:
            print(f"FAILED interop {label} {name}")
            print("".join(f"    {line}\n" for line in why.splitlines()), end="")
    failed = sum(bool(why) for why in results.values())
    return sum(why == "" for why in results.values()), failed
