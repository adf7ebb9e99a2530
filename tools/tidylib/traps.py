"""Where g++ 12 compiles a coroutine wrongly, or not at all. docs/STYLE.md tells the story.

1. An aggregate temporary inside a co_await expression is destroyed twice.
2. A braced list of literals inside one does not compile.
3. A statement expression that returns crashes the compiler.
4. `a && co_await b` as a condition awaits b also where a is false; `a || co_await b` likewise.
5. A conditional expression that makes an object among the arguments destroys it twice.
"""

import re

from tidylib.tree import Finding

RULE = "g++12"
_CLOSES = {"(": ")", "{": "}", "[": "]"}
# `c ? x : T()`, `c ? T{} : x`, `c ? f() : x`; of names and literals alone nothing is made.
_CHOSEN_ARGUMENT = re.compile(r"\?(?=[^;]*:)[^;?]*[\w>\"]\s*[({]|\?[^;?:]*\"[^;?]*:")
_BEFORE_BODY = re.compile(r"(\)|\]|\bmutable|\bnoexcept|\bconst|->\s*[\w:<>]+)\s*$")


def check(tree, config):
    aggregates = _aggregates(tree.cpp)
    for source in tree.cpp:
        for match in re.finditer(r"\bco_await\b", source.code):
            awaited = _without_bodies(_expression(source.code, match.end()))
            message = _judge(awaited, aggregates) or _judge_condition(source.code, match.start())
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
    if _CHOSEN_ARGUMENT.search(_arguments(awaited)):
        return ("g++ 12 destroys what a conditional expression makes inside co_await twice: "
                "name it on a line before")
    return None


def _judge_condition(code, at):
    """The statement in front of a co_await: whether another operand decides if it is reached."""
    begin = max(code.rfind(mark, 0, at) for mark in (";", "{", "}"))
    before = code[begin + 1:at]
    opened = re.match(r"\s*(?:else\s+)?(?:if|while)\s*(?:constexpr\s*)?\(", before)
    condition = before[opened.end():] if opened else ""
    inside = condition.count("(") >= condition.count(")")  # else it is what the condition guards
    if inside and re.search(r"&&|\|\|", condition):
        return ("g++ 12 awaits behind && and || in a condition whatever stands before them: "
                "nest the conditions, or await on a line before")
    return None


def _arguments(awaited):
    """What stands inside the first brackets of an awaited call, and those that follow."""
    opened = awaited.find("(")
    return awaited[opened:] if opened >= 0 else ""


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
