"""Reads `.scenario` files into headers and steps. README.md describes the language."""

import re
from dataclasses import dataclass, field

from . import accounts
from .errors import BrokenScenario

_CLIENT = re.compile(r"client (\w+) = ([\w.-]+)@([\w.-]+)(?:/(\S+))?")
_ACCOUNT = re.compile(r"account ([\w.-]+)@([\w.-]+)")
_DIFFERS = re.compile(r"differs: (\w+) (.+)")
_SECTION = re.compile(r"== ([\w-]+): (.+)")
_CONFIG = re.compile(r"config:(.*)", re.DOTALL)


@dataclass
class Step:
    line: int
    text: str  # the line without its block
    body: str  # what stands behind the colon or in the indented block


@dataclass
class Dialogue:
    path: str
    title: str = ""
    clients: dict = field(default_factory=dict)  # name -> (user, host, resource)
    extra_accounts: list = field(default_factory=list)
    config: str = ""
    differs: dict = field(default_factory=dict)  # server -> reason
    steps: list = field(default_factory=list)

    def make_accounts(self, number):
        """The accounts that this dialogue needs, by the name in the file."""
        wanted = [(user, host) for user, host, _ in self.clients.values()] + self.extra_accounts
        return {f"{u}@{h}": accounts.make(u, h, number) for u, h in dict.fromkeys(wanted)}


def read(path):
    """The scenarios of one file, as (suffix of the name, Dialogue); raises BrokenScenario.

    `== name: title` begins a further scenario of the same file; what stands before the first one
    belongs to all of them.
    """
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    starts = [(n, found) for n, line in enumerate(lines) if (found := _SECTION.fullmatch(line))]
    if not starts:
        return [("", _read_one(path, lines))]
    out = []
    for index, (begin, found) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(lines)
        # Empty lines in place of the other scenarios keep the line numbers right.
        own = lines[:starts[0][0]] + [""] * (begin + 1 - starts[0][0]) + lines[begin + 1:end]
        dialogue = _read_one(path, own)
        dialogue.title = found[2]
        out.append((f":{found[1]}", dialogue))
    return out


def _read_one(path, lines):
    dialogue = Dialogue(str(path))
    for number, head, block in _statements(lines, path):
        if head.startswith("#"):
            dialogue.title = dialogue.title or head.lstrip("# ").strip()
        elif not _header(dialogue, head, block):
            text, colon, inline = head.partition(":")
            if colon and block and inline.strip():
                raise BrokenScenario(f"{path}:{number}: text behind the colon and a block")
            dialogue.steps.append(Step(number, text.strip(), inline.strip() or block))
    if not dialogue.steps:
        raise BrokenScenario(f"{path}: there are no steps")
    return dialogue


def _statements(lines, path):
    """(line number, first line, indented block) for each statement and comment."""
    index = 0
    while index < len(lines):
        head, number = lines[index].rstrip(), index + 1
        index += 1
        if not head:
            continue
        if head[0].isspace():
            raise BrokenScenario(f"{path}:{number}: an indented line without a step")
        block = []
        while index < len(lines) and (not lines[index].strip() or lines[index][0].isspace()):
            block.append(lines[index])
            index += 1
        yield number, head, _unindent(block)


def _unindent(block):
    kept = [line.rstrip() for line in block]
    while kept and not kept[-1]:
        kept.pop()
    depth = min((len(line) - len(line.lstrip()) for line in kept if line), default=0)
    return "\n".join(line[depth:] for line in kept)


def _header(dialogue, head, block):
    if found := _CLIENT.fullmatch(head):
        dialogue.clients[found[1]] = (found[2], found[3], found[4])
    elif found := _ACCOUNT.fullmatch(head):
        dialogue.extra_accounts.append((found[1], found[2]))
    elif found := _DIFFERS.fullmatch(head):
        dialogue.differs[found[1]] = found[2]
    elif found := _CONFIG.fullmatch(head):
        dialogue.config += found[1].strip() + "\n" + block + "\n"
    else:
        return False
    return True
