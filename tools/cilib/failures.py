"""How runners tell what failed, and how tools/ci tells it again.

A runner prints a block for each failure, before its line of counts:

    FAILED unit Jid.AResourceMayHoldASlash
        the last lines of its output, indented
"""

import re

LINES = 30  # of one failure's output
WIDTH = 300  # characters of one line
DIGEST_LINES = 40

_HEADLINE = re.compile(r"FAILED (?!:)\S")
_PROGRESS = re.compile(r"\[\d+/\d+\] (?!.*FAILED)")
# Where a tool begins to say what is wrong; what follows it matters, not the end.
_VERDICT = re.compile(
    r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|ERROR: libFuzzer|: runtime error: "
    r"|assertion failed|^FAILED: |: (fatal )?error: )")


# "5 passed, 1 failed", and what a runner may add: ", 1 skipped", " (0.3 s)".
_COUNTS = re.compile(r"(\d+) passed, (\d+) failed(, [^()]*)?( \(.*\))?\s*")


def counts(line):
    """(passed, failed) of a runner's closing line; None of any other line."""
    found = _COUNTS.fullmatch(line)
    return found and (int(found.group(1)), int(found.group(2)))


def telling(text, lines=LINES):
    """The lines of an output that tell most: from the first verdict on, or else the last ones."""
    kept = [_cut(line) for line in text.splitlines()
            if line.strip() and not _PROGRESS.match(line)]
    for at, line in enumerate(kept):
        if _VERDICT.search(line):
            return kept[at:at + lines]
    return kept[-lines:]


def block(name, text):
    """The block of one failure, for print()."""
    return "\n".join([f"FAILED {name}", *("    " + line for line in telling(text))])


def blocks(log):
    """[(name, [line])] of all blocks in a log."""
    found, inside = [], False
    for line in log.splitlines():
        if _HEADLINE.match(line):
            found.append((line.removeprefix("FAILED ").strip(), []))
            inside = True
        elif inside and line.startswith("    "):
            found[-1][1].append(_cut(line[4:]))
        else:
            inside = False
    return found


def of_part(part, problem, log):
    """The failures of a part of CI: its blocks, or the end of its log."""
    return blocks(log) or [(problem, telling(log))]


def digest(failures, limit=DIGEST_LINES):
    """All failures once more in at most `limit` lines, each with as many of its own as fit."""
    if not failures:
        return []
    if len(failures) > limit:
        rest = len(failures) - limit + 1
        return [name for name, _ in failures[:limit - 1]] + [f"and {rest} more"]
    each = min(12, limit // len(failures) - 1)
    lines = []
    for name, output in failures:
        lines.append(name)
        verdict = output and _VERDICT.search(output[0])
        lines += ["    " + line for line in (output[:each] if verdict else output[-each:])
                  if each]
    return lines


def _cut(line):
    return line if len(line) <= WIDTH else f"{line[:WIDTH]} … ({len(line)} characters)"
