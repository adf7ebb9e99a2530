"""Where g++ 12 compiles a coroutine wrongly, or not at all. docs/STYLE.md tells the story.

1. An aggregate temporary inside a co_await expression is destroyed twice.
2. A braced list of literals inside one does not compile.
3. A statement expression that returns crashes the compiler.
"""

import re

from tidylib.tree import Finding

RULE = "g++12"
_CLOSES = {"(": ")", "{": "}", "[": "]"}
_BEFORE_BODY = re.compile(r"(\)|\]|\bmutable|\bnoexcept|\bconst|->\s*[\w:<>]+)\s*$")


def check(tree, config):
    aggregates = _aggregates(tree.cpp)
    for source in tree.cpp:
        for match in re.finditer(r"\bco_await\b", source.code):
            awaited = _without_bodies(_expression(source.code, match.end()))
            message = _judge(awaited, aggregates)
            if message:
                yield Finding(source.path, source.line_of(match.start()), RULE, message)
        for match in re.finditer(r"\(\s*\{", source.code):
            inside = _without_bodies(_balanced(source.code, match.end() - 1))
            if ";" in inside:
                yield Finding(source.path, source.line_of(match.start()), RULE,
                              "no statement expression: use the macros of balcony/result.h")


def _judge(awaited, aggregates):
    if re.search(r"[(,]\s*\{", awaited):
        return "g++ 12 destroys a braced argument of co_await twice: name it on a line before"
    for name in re.findall(r"\b([A-Z]\w*)\s*\{", awaited):
        if name in aggregates:
            return (f"g++ 12 destroys the aggregate {name}{{...}} inside co_await twice: "
                    "name it on a line before, or make it in a function")
    return None


def _aggregates(sources):
    """Structs without a constructor of their own."""
    names = set()
    for source in sources:
        for match in re.finditer(r"\bstruct\s+(?:\[\[\w+\]\]\s*)?(\w+)[^;{}()]*\{", source.code):
            body = _balanced(source.code, match.end() - 1)
            name = match.group(1)
            if not re.search(rf"(?<![~\w]){name}\s*\(", body):
                names.add(name)
    return names


def _expression(code, start):
    """From after co_await to the end of what it awaits."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth < 0:
                return code[start:at]
        elif code[at] == ";" and depth == 0:
            return code[start:at]
    return code[start:]


def _balanced(code, start):
    """From the bracket at `start` to the one that closes it."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in _CLOSES:
            depth += 1
        elif code[at] in _CLOSES.values():
            depth -= 1
            if depth == 0:
                return code[start:at + 1]
    return code[start:]


def _without_bodies(code):
    """Drops the bodies of lambdas: what is in them is not part of this expression."""
    kept, at = [], 0
    while at < len(code):
        if code[at] == "{" and _BEFORE_BODY.search(code[max(0, at - 120):at]):
            at += len(_balanced(code, at))
            kept.append("<body>")
        else:
            kept.append(code[at])
            at += 1
    return "".join(kept)
