#!/usr/bin/python3
"""Tests of what scenarios rest on: the rules of matching and the language of dialogues.

Run: /usr/bin/python3 -B -m unittest discover -s tests/scenario -p '*_test.py'
"""

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from drivers.ports import free_ports, give_back  # noqa: E402
from harness import accounts, dialogue, xmltree  # noqa: E402
from harness.errors import BrokenScenario  # noqa: E402
from harness.match import match  # noqa: E402
from harness.scram import Scram  # noqa: E402

# (pattern, what came, whether it matches)
TABLE = (
    ("<message/>", "<message/>", True),
    ("<message/>", "<presence/>", False),
    ("<message/>", "<message xmlns='urn:other'/>", False),
    ("<message/>", "<message type='normal'/>", True),
    ("<message/>", "<message type='chat'/>", False),
    ("<presence/>", "<presence type='unavailable'/>", False),
    ("<iq type='result' id='a'/>", "<iq type='result' id='a' from='x'/>", True),
    ("<iq type='result' id='a'/>", "<iq type='result' id='b'/>", False),
    ("<iq type='result' id='a'/>", "<iq type='result'/>", False),
    ("<message id='*'/>", "<message id='anything'/>", True),
    ("<message id='*'/>", "<message/>", False),
    ("<message id='!'/>", "<message/>", True),
    ("<message id='!'/>", "<message id=''/>", False),
    ("<message id='~[ab]+'/>", "<message id='abba'/>", True),
    ("<message id='~[ab]+'/>", "<message id='abbac'/>", False),
    ("<message id='${x}' from='${x}'/>", "<message id='1' from='1'/>", True),
    ("<message id='${x}' from='${x}'/>", "<message id='1' from='2'/>", False),
    ("<message from='${known}/r'/>", "<message from='value/r'/>", True),
    ("<message from='${known}/r'/>", "<message from='other/r'/>", False),
    ("<message><body>Hi</body></message>", "<message><x/><body> Hi </body></message>", True),
    ("<message><body>Hi</body></message>", "<message><body>Ho</body></message>", False),
    ("<message><body/></message>", "<message><body>Ho</body></message>", True),
    ("<message><body/></message>", "<message/>", False),
    ("<message><a/><a/></message>", "<message><a/></message>", False),
    ("<message><a/><a k='1'/></message>", "<message><a k='1'/><a/></message>", True),
    ("<message><a test:absent=''/></message>", "<message><b/></message>", True),
    ("<message><a test:absent=''/></message>", "<message><a/></message>", False),
    ("<message><a k='1' test:absent=''/></message>", "<message><a k='2'/></message>", True),
    ("<message><a test:strict=''/></message>", "<message><a/></message>", True),
    ("<message><a test:strict=''/></message>", "<message><a k='1'/></message>", False),
    ("<message><a test:strict=''/></message>", "<message><a><b/></a></message>", False),
    ("<message><a test:strict=''/></message>", "<message><a>text</a></message>", False),
)


def one(text):
    return xmltree.parse_fragments(text)[0]


class MatchTest(unittest.TestCase):
    def test_table(self):
        for pattern, actual, wanted in TABLE:
            with self.subTest(pattern=pattern, actual=actual):
                difference = match(one(pattern), one(actual), {"known": "value"})
                self.assertEqual(difference is None, wanted, difference)

    def test_captures_only_when_it_matches(self):
        variables = {}
        self.assertIsNotNone(match(one("<a i='${x}' j='1'/>"), one("<a i='7' j='2'/>"), variables))
        self.assertEqual(variables, {})
        self.assertIsNone(match(one("<a i='${x}' j='1'/>"), one("<a i='7' j='1'/>"), variables))
        self.assertEqual(variables, {"x": "7"})


class ParserTest(unittest.TestCase):
    def test_bytes_one_at_a_time(self):
        """Each event comes with the byte that completes it."""
        text = "<s a='>' b=\"<'\"><m>x &gt; 'y'</m><e/></s>".replace("<'", "'")
        parser, seen = xmltree.StreamParser(), []
        for n, byte in enumerate(text.encode()):
            seen += [(kind, n) for kind, _ in parser.feed(bytes([byte]))]
        self.assertEqual(seen, [("open", text.index("<m>") - 1), ("element", text.index("<e/>") - 1),
                                ("element", text.index("</s>") - 1), ("close", len(text) - 1)])


class DialogueTest(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".scenario") as file:
            file.write(text)
            file.flush()
            return dialogue.read(file.name)

    def test_sections_share_what_stands_before_them(self):
        parsed = self.read("# All\nclient a = u@localhost/r\n\n== one: First\na connects\n"
                           "== two: Second\na sends:\n  <x>\n    <y/>\n  </x>\n")
        self.assertEqual([suffix for suffix, _ in parsed], [":one", ":two"])
        self.assertEqual([d.title for _, d in parsed], ["First", "Second"])
        self.assertEqual(parsed[1][1].steps[0].body, "<x>\n  <y/>\n</x>")
        self.assertEqual(parsed[1][1].steps[0].line, 7)
        self.assertEqual(parsed[1][1].clients, {"a": ("u", "localhost", "r")})

    def test_broken_files_are_refused(self):
        for text in ("", "  a sends: <x/>\n", "a sends: <x/>\n  <y/>\n"):
            with self.subTest(text=text), self.assertRaises(BrokenScenario):
                self.read(text)

    def test_names_become_those_of_the_accounts(self):
        rename = accounts.Renaming([accounts.make("romeo", "localhost", 7)])
        self.assertEqual(rename("romeo@localhost/r 'romeo@localhost' xromeo@localhost"),
                         "romeo-7@localhost/r 'romeo-7@localhost' xromeo@localhost")


class ScramTest(unittest.TestCase):
    def test_the_example_of_rfc_5802(self):
        scram = Scram("SCRAM-SHA-1", "user", "pencil")
        scram.nonce = "fyko+d2lbbFgONRv9qkxdawL"
        scram._bare = f"n=user,r={scram.nonce}"
        final = scram.final("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                            "s=QSXCR+Q6sek8bf92,i=4096")
        self.assertEqual(final, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
        scram.verify("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")


class PortsTest(unittest.TestCase):
    def test_a_port_is_given_once_until_it_is_given_back(self):
        port = free_ports(1)[0]
        tried = [port, port, *range(port + 1, port + 10)]
        with mock.patch("random.choice", side_effect=tried):
            other = free_ports(1)
        self.assertNotEqual(other, [port])
        give_back([port, *other])
        with mock.patch("random.choice", side_effect=[port]):
            self.assertEqual(free_ports(1), [port])
        give_back([port])


if __name__ == "__main__":
    unittest.main()
