"""What is kept to one folder, and what is not written at all."""

import re

from tidylib.tree import Finding

# These say the words in order to forbid them.
_SPEAKS_OF_THEM = ("tools/tidy.toml", "tools/tidy_test.py", "tools/tidylib/words.py")


def check(tree, config):
    for source in tree.sources:
        if source.path in _SPEAKS_OF_THEM or not source.is_code:
            continue
        for rule in config["banned"]:
            if "in" not in rule or source.matches(rule["in"]):
                yield from _banned(source, rule)
        if source.is_cpp and (source.folder or source.path.startswith("include/")):
            for rule in config["confined"]:
                yield from _confined(source, rule)


def _banned(source, rule):
    text = source.text if rule.get("everywhere") else source.code
    for match in re.finditer(rule["pattern"], text):
        yield Finding(source.path, source.line_of(match.start()), "words",
                      f"not {match.group()!r}: {rule['instead']}")


def _confined(source, rule):
    if source.folder in rule["folders"] or source.matches(rule.get("except", {})):
        return
    for match in re.finditer(rule["pattern"], source.code):
        homes = ", ".join(rule["folders"])
        yield Finding(source.path, source.line_of(match.start()), "confined",
                      f"{rule['what']} ({match.group()}) stay in {homes}/: {rule['instead']}")
