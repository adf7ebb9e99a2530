"""XML streams into elements: expat underneath, xml.etree elements on top.

Names are written in Clark notation, `{namespace}name`, as xml.etree does.
"""

import re
import xml.etree.ElementTree as ET
import xml.parsers.expat
from xml.sax.saxutils import escape, quoteattr

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
TEST = "urn:balcony:scenario"  # attributes that steer the matching of a pattern
XML = "http://www.w3.org/XML/1998/namespace"
STANZA_ERROR = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAM_ERROR = "urn:ietf:params:xml:ns:xmpp-streams"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"

for _prefix, _namespace in (("stream", STREAM), ("test", TEST), ("xml", XML)):
    ET.register_namespace(_prefix, _namespace)


# Whole tokens only go to expat: since 2.6 (and in its backports) it may put off a token that came
# in pieces until much more has come, which a dialogue cannot wait for.
_TOKENS = re.compile(
    rb"(?:[^<]+|<!\[CDATA\[.*?\]\]>|<[^<>'\"]*(?:(?:'[^']*'|\"[^\"]*\")[^<>'\"]*)*>)*", re.DOTALL)


def _clark(name):
    return "{" + name.replace(" ", "}", 1) if " " in name else name


class StreamParser:
    """One stream: `feed` bytes; events are ("open", header attributes and name), ("element",
    Element) and ("close", None), in order."""

    def __init__(self):
        self._parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._stack = []
        self.events = []
        self.depth = 0
        self._pending = b""

    def feed(self, data):
        self._pending += data
        end = _TOKENS.match(self._pending).end()
        self._parser.Parse(self._pending[:end])
        self._pending = self._pending[end:]
        events, self.events = self.events, []
        return events

    def _start(self, name, attributes):
        self.depth += 1
        element = ET.Element(_clark(name), {_clark(k): v for k, v in attributes.items()})
        if self.depth == 1:
            self.events.append(("open", element))
            return
        if self._stack:
            self._stack[-1].append(element)
        self._stack.append(element)

    def _end(self, _name):
        self.depth -= 1
        if self.depth == 0:
            self.events.append(("close", None))
            return
        element = self._stack.pop()
        if not self._stack:
            self.events.append(("element", element))

    def _text(self, text):
        if not self._stack:
            return
        parent = self._stack[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text


def parse_fragments(text, default=CLIENT):
    """Parses zero or more elements; `stream:` and `test:` are bound to their namespaces."""
    wrapped = f"<w xmlns='{default}' xmlns:stream='{STREAM}' xmlns:test='{TEST}'>{text}</w>"
    parser = StreamParser()
    return [value for kind, value in parser.feed(wrapped.encode()) if kind == "element"]


def split(tag):
    """`{namespace}name` to (namespace, name)."""
    if tag.startswith("{"):
        namespace, _, name = tag[1:].partition("}")
        return namespace, name
    return "", tag


def show(element, namespace=CLIENT):
    """An element as text for people: prefixes only where there is no way around them."""
    own, name = split(element.tag)
    prefix = "stream:" if own == STREAM else ""
    out = [f"<{prefix}{name}"]
    if own != namespace and not prefix:
        out.append(f" xmlns={quoteattr(own)}")
    for key, value in element.attrib.items():
        space, local = split(key)
        shown = {XML: "xml:", TEST: "test:", "": ""}.get(space, f"{{{space}}}")
        out.append(f" {shown}{local}={quoteattr(value)}")
    inner = escape(element.text or "")
    for child in element:
        inner += show(child, namespace if prefix else own) + escape(child.tail or "")
    out.append(f">{inner}</{prefix}{name}>" if inner else "/>")
    return "".join(out)
