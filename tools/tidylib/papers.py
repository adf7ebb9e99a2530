"""Small things that a reader relies on: references to specifications, headers, the change log."""

import re

from tidylib.tree import Finding

_RFC = re.compile(r"\bRFC[- ]?\d+")
_XEP = re.compile(r"\bXEP[- ]?\d+")
_IN_WORDS = re.compile(r"\b((?:RFC|XEP)[- ]\d+),?\s+(?:[Ss]ections?|[Ss]ec\.)\s*\d")
_SECTION = re.compile(r"§(?!\d+(?:\.\d+)*|[A-Z](?:\.\d+)*(?![A-Za-z]))")


def check(tree, config):
    for source in tree.sources:
        if source.path.startswith("tools/tidy"):
            continue  # shows the wrong forms
        if source.is_code or source.name.endswith(".md"):
            yield from _references(source)
        if source.is_header and source.path.startswith(("src/", "include/")):
            yield from _pragma_once(source)
    yield from _change_log(tree)


def _references(source):
    def finding(match, message):
        return Finding(source.path, source.line_of(match.start()), "spec", message)

    for match in _RFC.finditer(source.text):
        if not re.fullmatch(r"RFC [1-9]\d{0,4}", match.group()):
            yield finding(match, f"{match.group()!r}: write 'RFC 6120 §4.3.3'")
    for match in _XEP.finditer(source.text):
        if not re.fullmatch(r"XEP-\d{4}", match.group()):
            yield finding(match, f"{match.group()!r}: write 'XEP-0198 §4'")
    for match in _IN_WORDS.finditer(source.text):
        yield finding(match, f"{match.group()!r}: write '{match.group(1)} §...'")
    for match in _SECTION.finditer(source.text):
        yield finding(match, "write the number of the section right after '§'")


def _pragma_once(source):
    for number, line in enumerate(source.code.split("\n"), 1):
        if line.strip():
            if line.strip() != "#pragma once":
                yield Finding(source.path, number, "headers",
                              "a header starts with a comment, then '#pragma once'")
            return
    yield Finding(source.path, 1, "headers", "an empty header")


def _change_log(tree):
    log = tree.find("CHANGELOG.md")
    if log is None:
        yield Finding("CHANGELOG.md", 1, "changelog", "there is no change log")
    elif not re.search(r"^## Unreleased$", log.text, re.MULTILINE):
        yield Finding("CHANGELOG.md", 1, "changelog", "no section '## Unreleased'")
