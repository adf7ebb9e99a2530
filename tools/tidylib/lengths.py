"""Files, functions and lines that one can read."""

import re
import unicodedata

from tidylib.tree import Finding

RULE = "length"
# An unbreakable word this long (a test vector, an address) excuses its line.
_UNBREAKABLE = 80

_NOT_A_FUNCTION = re.compile(
    r"^\s*(namespace|class|struct|enum|union|extern|if|for|while|switch|else|do|case|try|catch"
    r"|return|template|using|typedef|\}|\[|#)")
_FUNCTION_OPENS = re.compile(r"^(\s*)\S.*\)[\w\s:&<>,*\->\[\]]*\{$")


def check(tree, config):
    limits = config["lengths"]
    for source in tree.sources:
        if not source.is_code:
            continue
        yield from _file(source, limits)
        yield from _lines(source, _columns(source, limits))
        if source.is_cpp:
            yield from _functions(source, limits["function_warning"])


def width(line):
    """Columns on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in line)


def _file(source, limits):
    most = limits["lines_test"] if source.is_test else limits["lines_hard"]
    count = len(source.lines) - (source.lines[-1] == "")
    if count > most:
        yield Finding(source.path, most + 1, RULE,
                      f"{count} lines, {most} at most: one file, one purpose")


def _columns(source, limits):
    python = str(source.path).endswith(".py")
    return limits.get("columns_python", limits["columns"]) if python else limits["columns"]


def _lines(source, columns):
    for number, line in enumerate(source.lines, 1):
        if len(line) <= columns and line.isascii():
            continue
        wide = width(line)
        if wide > columns and max(map(len, line.split())) < _UNBREAKABLE:
            yield Finding(source.path, number, RULE, f"{wide} columns, {columns} at most")


def _functions(source, most):
    """As clang-format lays them out: from a line that ends in '{' to the '}' under its start."""
    lines = source.code.split("\n")
    number = 0
    while number < len(lines):
        opens = _FUNCTION_OPENS.match(lines[number].rstrip())
        if not opens or _NOT_A_FUNCTION.match(lines[number]):
            number += 1
            continue
        closing = re.compile(rf"^{opens.group(1)}\}}")
        end = next((n for n in range(number + 1, len(lines)) if closing.match(lines[n])), None)
        if end is None:
            number += 1
            continue
        if source.name.endswith("_test.cc") or end - number - 1 <= most:
            number = end + 1
            continue
        yield Finding(source.path, number + 1, RULE,
                      f"a function of {end - number - 1} lines; {most} can be read at once",
                      warning=True)
        number = end + 1
