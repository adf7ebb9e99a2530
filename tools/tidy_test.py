#!/usr/bin/python3
"""Tests of tools/tidy: small trees, good ones and bad ones."""

import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile
import tomllib
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent


def _load_tidy():
    loader = importlib.machinery.SourceFileLoader("tidy", str(HERE / "tidy"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    loader.exec_module(module)
    return module


tidy = _load_tidy()
CONFIG = tomllib.loads((HERE / "tidy.toml").read_text(encoding="utf-8"))
HEADER = "// What it is.\n#pragma once\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = pathlib.Path(self._folder.name)
        self.write("CHANGELOG.md", "# Changes\n\n## Unreleased\n")

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def found(self, build=None):
        """'path:line rule' of each error, 'warning path:line rule' of each warning."""
        return [("warning " if f.warning else "") + f"{f.path}:{f.line} {f.rule}"
                for f in tidy.findings(self.root, CONFIG, build)]

    def check(self, path, text, *expected):
        self.write(path, text)
        self.assertEqual(self.found(), list(expected))


class Layers(TidyTest):
    def test_a_lower_folder_may_be_included(self):
        self.write("src/base/clock.h", HEADER)
        self.check("src/router/a.cc",
                   '#include "base/clock.h"\n#include <balcony/jid.h>\n#include <fmt/core.h>\n')

    def test_a_higher_folder_may_not(self):
        self.write("src/router/a.h", HEADER)
        self.check("src/xml/a.cc", '\n#include "router/a.h"\n', "src/xml/a.cc:2 layers")

    def test_a_folder_beside_may_not(self):
        self.write("src/net/a.h", HEADER)
        self.check("src/modules/a.cc", '#include "net/a.h"\n', "src/modules/a.cc:1 layers")

    def test_a_public_header_has_the_layer_of_its_folder(self):
        self.check("src/base/a.cc", "#include <balcony/element.h>\n", "src/base/a.cc:1 layers")

    def test_an_include_in_quotes_exists(self):
        self.check("src/base/a.cc", '#include "a.h"\n', "src/base/a.cc:1 layers")

    def test_a_comment_includes_nothing(self):
        self.check("src/base/a.cc", '// #include "router/a.h"\n')

    def test_a_folder_has_a_layer(self):
        self.check("src/cellar/a.cc", "int a;\n", "src/cellar/a.cc:1 layers")

    def test_a_public_header_includes_only_public_headers_and_the_language(self):
        self.check("include/balcony/jid.h",
                   HEADER + "#include <balcony/result.h>\n#include <string>\n"
                   '#include "base/clock.h"\n#include <fmt/core.h>\n#include <balcony/element.h>\n',
                   "include/balcony/jid.h:5 layers", "include/balcony/jid.h:6 layers",
                   "include/balcony/jid.h:7 layers")

    def test_a_public_header_is_in_the_table(self):
        self.check("include/balcony/lamp.h", HEADER, "include/balcony/lamp.h:1 layers")

    def test_an_example_sees_what_a_stranger_sees(self):
        self.write("src/base/clock.h", HEADER)
        self.check("examples/echo.cc", '#include "base/clock.h"\n', "examples/echo.cc:1 layers")

    def test_cmake_follows_the_same_table(self):
        self.write("src/jid/CMakeLists.txt", "balcony_library(jid DEPS precis LIBS net)\n")
        self.check("src/xml/CMakeLists.txt", "balcony_library(xml DEPS base jid TEST_LIBS expat)\n",
                   "src/xml/CMakeLists.txt:1 layers")

    def test_a_circle_in_the_table_is_told(self):
        with self.assertRaisesRegex(ValueError, "a -> b -> a"):
            tidy.layers.closure({"a": ["b"], "b": ["a"]})


class Confined(TidyTest):
    def test_only_net_has_threads_clocks_and_asio(self):
        text = ("#include <boost/asio.hpp>\nstd::thread t;\nauto now = std::chrono::steady_clock"
                "::now();\nstd::random_device d;\n")
        self.write("src/net/a.cc", text)
        self.check("src/router/a.cc", text, *[f"src/router/a.cc:{n} confined" for n in range(1, 5)])

    def test_comments_and_strings_may_speak_of_them(self):
        self.check("src/base/a.cc", '// std::thread\nauto a = "std::thread"; /* system_clock */\n')

    def test_a_type_of_a_clock_is_no_clock(self):
        self.check("src/base/a.cc", "using T = std::chrono::steady_clock::time_point;\n")

    def test_a_test_may_have_two_threads_but_no_sleep(self):
        self.check("src/base/a_test.cc", "std::thread t;\nstd::this_thread::sleep_for(1s);\n",
                   "src/base/a_test.cc:2 confined")


class Words(TidyTest):
    def test_unfinished_work_is_not_merged(self):
        self.check("src/base/a.cc", "int a;  // TODO: more\n", "src/base/a.cc:1 words")

    def test_headers_do_not_open_namespaces(self):
        self.write("src/base/a.cc", "using namespace std::literals;\n")
        self.check("src/base/a.h", HEADER + "using namespace std;\n", "src/base/a.h:3 words")

    def test_names_that_only_look_alike_pass(self):
        self.check("src/base/a.cc", "static_assert(true);\nBALCONY_ASSERT(a, b);\nmy_atoi(x);\n")

    def test_the_c_library_s_traps(self):
        self.check("src/base/a.cc", "assert(a);\nint n = atoi(x);\n",
                   "src/base/a.cc:1 words", "src/base/a.cc:2 words")


class Lengths(TidyTest):
    def test_files(self):
        self.write("src/base/a_test.cc", "int a;\n" * 800)
        self.write("src/base/b.cc", "int a;\n" * 500)
        self.check("src/base/a.cc", "int a;\n" * 501, "src/base/a.cc:501 length")

    def test_lines_are_measured_in_columns(self):
        self.write("src/base/b.cc", "// " + "ßä" * 48 + "\n")
        self.write("src/base/c.cc", f'auto key = "{"x" * 120}";\n')
        self.check("src/base/a.cc", "\n// " + "a b " * 25 + "\n", "src/base/a.cc:2 length")

    def test_functions_are_warned_of(self):
        body = "  call();\n" * 61
        self.write("src/base/a.cc", f"namespace a {{\n\nint f(int n) {{\n{body}}}\n\n}}\n")
        self.check("src/base/b.cc", f"class A {{\n{body * 2}}};\nvoid f() {{\n  a();\n}}\n",
                   "warning src/base/a.cc:3 length")


class Traps(TidyTest):
    def trap(self, statement, *expected):
        self.check("src/base/a.cc",
                   "struct Agg {\n  int n = 0;\n};\nstruct Built {\n  Built(int);\n};\n"
                   f"Task<> f() {{\n  {statement}\n}}\n", *expected)

    def test_an_aggregate_inside_co_await(self):
        self.trap("co_await g(Agg{1});", "src/base/a.cc:8 g++12")

    def test_a_braced_argument(self):
        self.trap("BALCONY_CO_ASSIGN(auto a, co_await g({.n = 1}));", "src/base/a.cc:8 g++12")

    def test_a_braced_list_over_two_lines(self):
        self.trap('co_await g(1,\n    {"a", "b"});', "src/base/a.cc:8 g++12")

    def test_a_condition_that_awaits_behind_another(self):
        for condition in ("while (a && co_await g())", "if (!a || (co_await g()).ok())",
                          "if (a(b) && b && co_await g())", "else if (a && co_await g())"):
            with self.subTest(condition):
                self.trap(f"{condition} return;", "src/base/a.cc:8 g++12")

    def test_a_condition_that_awaits_first_or_guards(self):
        self.trap("if (co_await g() && a) b(); if (a && b(c)) co_await g();\n"
                  "if (auto r = co_await g(); r && a) b(); bool c = a && b; co_await g();")

    def test_an_argument_that_is_chosen(self):
        for argument in ("c ? x : Built()", "c ? Agg{1} : x", "1, c ? g(2) : x", 'c ? "a" : x'):
            with self.subTest(argument):
                self.trap(f"co_await g({argument});", "src/base/a.cc:8 g++12")

    def test_a_chosen_name_or_number_makes_nothing(self):
        self.trap("co_await g(c ? 1 : 2); co_await g(x ? kOne : kTwo);"
                  "auto r = c ? co_await g() : 0;")

    def test_what_is_safe(self):
        self.trap("co_await g(Built{1}); Agg a{1}; co_await g(a); co_return Agg{1};")

    def test_the_body_of_a_lambda_is_its_own(self):
        self.trap("co_await g([](int n) { return Agg{n}; });")

    def test_statement_expressions(self):
        self.trap("int n = ({ auto r = g(); co_return r; });", "src/base/a.cc:8 g++12")

    def test_a_callback_is_no_statement_expression(self):
        self.trap("post([] { a(); b(); }); spawn(run({1, 2}));")


class Papers(TidyTest):
    def test_references_that_are_right(self):
        self.check("src/base/a.cc", "// RFC 6120 §4.3.3, §8; RFC 8264, 8265; XEP-0198 §4\n")

    def test_references_that_are_not(self):
        self.check("docs/a.md", "RFC6120\nXEP-198\nRFC 6120 section 4\nRFC 6120 § 4\nXEP 0198\n",
                   *[f"docs/a.md:{n} spec" for n in range(1, 6)])

    def test_pragma_once_comes_first(self):
        self.write("src/base/b.h", HEADER)
        self.check("src/base/a.h", "// What it is.\n#include <string>\n", "src/base/a.h:2 headers")

    def test_the_change_log_is_open(self):
        self.check("CHANGELOG.md", "# Changes\n\n## 0.1\n", "CHANGELOG.md:1 changelog")


class Targets(TidyTest):
    def test_every_file_is_compiled(self):
        for path in ("src/base/a.cc", "src/base/b.cc", "src/base/c_fuzz.cc", "bench/d_fuzz.cc"):
            self.write(path, "int a;\n")
        commands = [{"directory": str(self.root / "build"), "file": "../src/base/a.cc"}]
        commands.append({"directory": str(self.root / "build"), "file": "together/base_0.cc"})
        self.write("src/base/e.cc", "int e;\n")
        self.write("build/together/base_0.cc", '#include "base/e.cc"\n')
        self.write("build/compile_commands.json", json.dumps(commands))
        self.assertEqual(self.found(self.root / "build"),
                         ["bench/d_fuzz.cc:1 targets", "src/base/b.cc:1 targets"])


class Literals(unittest.TestCase):
    def code(self, text):
        return sys.modules["tidylib.tree"].Source("a.cc", text).code

    def test_blanking_keeps_offsets(self):
        text = 'a("x // y", \'"\', 1\'000\'000);  // c\nR"(")" /* d\n */ b'
        code = self.code(text)
        self.assertEqual(len(code), len(text))
        self.assertEqual(code.split(), ['a("', '",', "'", "',", "1'000'000);", 'R', '"', "b"])


if __name__ == "__main__":
    unittest.main()
