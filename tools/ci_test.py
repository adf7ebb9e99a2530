#!/usr/bin/python3
"""Tests of tools/cilib: how failures are told, and found again in a log."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cilib import failures  # noqa: E402


class Telling(unittest.TestCase):
    def test_the_last_lines_without_progress(self):
        text = "\n".join([f"line {n}" for n in range(50)] + ["[12/94] Building CXX object x.o", ""])
        self.assertEqual(failures.telling(text), [f"line {n}" for n in range(20, 50)])

    def test_a_verdict_and_what_follows_it(self):
        text = "\n".join(["calm"] * 40 + ["==1==ERROR: AddressSanitizer: heap-use-after-free"]
                         + [f"shadow {n}" for n in range(60)])
        told = failures.telling(text)
        self.assertIn("heap-use-after-free", told[0])
        self.assertEqual(told[-1], "shadow 28")

    def test_a_compiler_s_error(self):
        text = "[1/2] Building CXX object a.o\nFAILED: a.o\ng++ -c a.cc\na.cc:1:2: error: no\nend"
        self.assertEqual(failures.telling(text)[0], "FAILED: a.o")

    def test_long_lines_are_cut(self):
        self.assertLess(len(failures.telling("x" * 10000)[0]), 350)


class Counts(unittest.TestCase):
    def test_closing_lines(self):
        for line in ("5 passed, 1 failed", "5 passed, 1 failed (0.3 s)\n",
                     "5 passed, 1 failed, 2 skipped (95.6 s)",
                     "5 passed, 1 failed, 2 skipped, 3 differ as marked (1.0 s)"):
            with self.subTest(line=line):
                self.assertEqual(failures.counts(line), (5, 1))

    def test_other_lines(self):
        for line in ("", "ok      asan: 5 passed, 1 failed, 167 s", "passed  0.1 s  5 passed"):
            with self.subTest(line=line):
                self.assertIsNone(failures.counts(line))


class Blocks(unittest.TestCase):
    def test_what_is_written_is_found_again(self):
        log = "\n".join(["ok one", failures.block("unit A.B (a)", "1\n2"), "between",
                         failures.block("fuzz xml", "3"), "5 passed, 2 failed"])
        self.assertEqual(failures.blocks(log), [("unit A.B (a)", ["1", "2"]), ("fuzz xml", ["3"])])

    def test_ninja_s_and_google_s_words_are_no_headlines(self):
        self.assertEqual(failures.blocks("FAILED: a.o\n[  FAILED  ] A.B\nFAILED\n"), [])

    def test_a_part_without_blocks_tells_its_end(self):
        self.assertEqual(failures.of_part("layout", "exit code 1", "a\nb\n"),
                         [("exit code 1", ["a", "b"])])


class Digest(unittest.TestCase):
    def test_it_is_never_too_long_and_names_all_that_fit(self):
        for count in (1, 2, 3, 7, 19, 20, 21, 39, 40, 41, 500):
            with self.subTest(count=count):
                found = [(f"test {n}", [f"line {m}" for m in range(30)]) for n in range(count)]
                told = failures.digest(found)
                self.assertLessEqual(len(told), failures.DIGEST_LINES)
                self.assertEqual(sum(line.startswith("test ") for line in told), min(count, 40)
                                 if count <= 40 else 39)
        self.assertEqual(failures.digest([]), [])

    def test_the_end_of_an_output_or_its_verdict(self):
        plain = [f"line {n}" for n in range(30)]
        self.assertEqual(failures.digest([("a", plain)])[-1], "    line 29")
        verdict = ["a.cc:1:1: error: no", *plain]
        self.assertEqual(failures.digest([("a", verdict)])[1], "    a.cc:1:1: error: no")


if __name__ == "__main__":
    unittest.main()
