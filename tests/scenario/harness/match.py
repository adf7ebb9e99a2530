"""Compares what came with what a scenario expects.

The rules (README.md tells them to the writer of a scenario):
- names, namespaces and the attributes that the pattern mentions must be equal;
- values may be `*` (any), `!` (must not be there), `~regular expression` (whole value) or hold
  `${name}`, which captures at the first use and compares after;
- a `type` that the pattern of a stanza does not mention must not be there (`normal` may);
- each child in the pattern needs a child of its own, in any order; text in the pattern must be
  equal but for surrounding white space; what the pattern does not mention is allowed, unless
  the element has `test:strict=''` or the step says `strictly`;
- a child with `test:absent=''` must not be there.
"""

import re

from . import xmltree

_STRICT = f"{{{xmltree.TEST}}}strict"
_ABSENT = f"{{{xmltree.TEST}}}absent"
_STANZAS = {f"{{{xmltree.CLIENT}}}{name}" for name in ("message", "presence", "iq")}
_VARIABLE = re.compile(r"\$\{([A-Za-z_][\w.-]*)\}")


class Mismatch(Exception):
    """Says what differs, in words."""


def match(pattern, actual, variables, strict=False):
    """Returns None and fills `variables` when `actual` matches, else the difference in words."""
    trial = dict(variables)
    try:
        _element(pattern, actual, trial, strict, top=True)
    except Mismatch as difference:
        return str(difference)
    variables.update(trial)
    return None


def _element(pattern, actual, variables, strict, top=False):
    if pattern.tag != actual.tag:
        raise Mismatch(f"expected an element {pattern.tag}, got {actual.tag}")
    strict = strict or _STRICT in pattern.attrib
    _attributes(pattern, actual, variables, strict, top)
    _text(pattern, actual, variables, strict)
    _children(pattern, actual, variables, strict)


def _attributes(pattern, actual, variables, strict, top):
    name = xmltree.split(pattern.tag)[1]
    mentioned = {k: v for k, v in pattern.attrib.items() if not k.startswith(f"{{{xmltree.TEST}}}")}
    for key, expected in mentioned.items():
        _value(expected, actual.get(key), variables, f"attribute '{key}' of <{name}/>")
    if top and pattern.tag in _STANZAS and "type" not in mentioned:
        if actual.get("type") not in (None, "normal" if name == "message" else None):
            raise Mismatch(f"<{name}/> has the unexpected type '{actual.get('type')}'")
    if strict:
        extra = set(actual.attrib) - set(mentioned)
        if extra:
            raise Mismatch(f"<{name}/> has attributes that are not expected: {sorted(extra)}")


def _text(pattern, actual, variables, strict):
    expected = (pattern.text or "").strip() + "".join((c.tail or "").strip() for c in pattern)
    if expected or strict:
        got = (actual.text or "").strip() + "".join((c.tail or "").strip() for c in actual)
        where = f"text of <{xmltree.split(pattern.tag)[1]}/>"
        _value(expected, got, variables, where)


def _value(expected, actual, variables, where):
    if expected == "!":
        if actual is not None:
            raise Mismatch(f"{where} must not be there, but is '{actual}'")
        return
    if actual is None:
        raise Mismatch(f"{where} is missing, expected '{expected}'")
    if expected == "*":
        return
    if expected.startswith("~"):
        if not re.fullmatch(_known(expected[1:], variables, re.escape), actual, re.DOTALL):
            raise Mismatch(f"{where} is '{actual}', expected to match {expected[1:]}")
        return
    capture = _VARIABLE.fullmatch(expected)
    if capture and capture[1] not in variables:
        variables[capture[1]] = actual
        return
    if _known(expected, variables) != actual:
        raise Mismatch(f"{where} is '{actual}', expected '{_known(expected, variables)}'")


def _known(text, variables, quote=lambda value: value):
    def replace(found):
        if found[1] not in variables:
            raise Mismatch(f"the variable {found[1]} has no value yet")
        return quote(variables[found[1]])
    return _VARIABLE.sub(replace, text)


def _children(pattern, actual, variables, strict):
    for child in pattern:
        if _ABSENT in child.attrib:
            for candidate in actual:
                if match(child, candidate, dict(variables)) is None:
                    raise Mismatch(f"{xmltree.show(child)} must not be there")
    wanted = [c for c in pattern if _ABSENT not in c.attrib]
    if strict and len(wanted) != len(actual):
        raise Mismatch(f"<{xmltree.split(pattern.tag)[1]}/> has {len(actual)} children, "
                       f"expected {len(wanted)}")
    _assign(wanted, list(actual), variables, strict)


def _assign(wanted, candidates, variables, strict):
    """Finds a child of its own for each wanted one; tries all assignments."""
    if not wanted:
        return
    difference = "there is none"
    for index, candidate in enumerate(candidates):
        trial = dict(variables)
        try:
            _element(wanted[0], candidate, trial, strict)
            _assign(wanted[1:], candidates[:index] + candidates[index + 1:], trial, strict)
        except Mismatch as reason:
            if candidate.tag == wanted[0].tag or difference == "there is none":
                difference = str(reason)
            continue
        variables.update(trial)
        return
    raise Mismatch(f"no child like {xmltree.show(wanted[0])}: {difference}")
