"""The files that tidy looks at, and what a rule says about them."""

import dataclasses
import fnmatch
import functools
import os
import pathlib
import re
import subprocess

SKIPPED_FOLDERS = {".git", "build", "node_modules", ".cache", "__pycache__"}

# Comments, string and character literals of C++; a quote between digits is a separator.
_LITERALS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<fence>[^(\s"]{0,16})\(.*?\)(?P=fence)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9a-zA-Z])'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL,
)


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """What is wrong on a line. A warning is shown and does not fail."""

    path: str
    line: int
    rule: str
    message: str
    warning: bool = False

    def __str__(self):
        level = "warning" if self.warning else "error"
        return f"{self.path}:{self.line}: {level}: {self.message} [{self.rule}]"


def _spaces(text):
    return re.sub(r"[^\n]", " ", text)


@dataclasses.dataclass
class Source:
    """One file: its path from the root, with '/', and its text."""

    path: str
    text: str

    @property
    def name(self):
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_header(self):
        return self.name.endswith(".h")

    @property
    def is_cpp(self):
        return self.name.endswith((".h", ".cc"))

    @property
    def is_test(self):
        return self.name.endswith(("_test.cc", "_test.py"))

    @property
    def is_code(self):
        return (
            self.is_cpp
            or self.name.endswith((".py", ".cmake", ".sh"))
            or self.name in ("CMakeLists.txt", "Makefile")
            or self.text.startswith("#!")
        )

    @property
    def folder(self):
        """The folder of src/ that the file is in, or None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    @functools.cached_property
    def lines(self):
        return self.text.split("\n")

    @functools.cached_property
    def code(self):
        """The text of a C++ file with comments and the insides of literals blanked."""

        def blank(match):
            found = match.group()
            if match.lastgroup == "comment":
                return _spaces(found)
            return found[0] + _spaces(found[1:-1]) + found[-1]

        return _LITERALS.sub(blank, self.text) if self.is_cpp else self.text

    @functools.cached_property
    def includes(self):
        """(line, "<" or '"', what) of each #include."""
        found = []
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                found.append((number, match.group(1), match.group(2)))
        return found

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def matches(self, patterns):
        """Whether a shell pattern fits the path or, without '/', the file's name."""
        return any(
            fnmatch.fnmatch(self.path if "/" in pattern else self.name, pattern)
            for pattern in patterns
        )


class Tree:
    """A checkout: what git knows or would add, or every file where git is not."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.sources = []
        for path in sorted(self._paths()):
            try:
                text = (self.root / path).read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue  # pictures, corpora of broken input, what was deleted
            self.sources.append(Source(path, text))

    def _paths(self):
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True, text=True)
            return {path for path in listed.stdout.split("\0") if path}
        paths = set()
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            paths |= {str(pathlib.Path(folder, f).relative_to(self.root)) for f in files}
        return paths

    @functools.cached_property
    def cpp(self):
        return [source for source in self.sources if source.is_cpp]

    def find(self, path):
        return next((source for source in self.sources if source.path == path), None)
