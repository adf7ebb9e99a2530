"""Every .cc is compiled: by the build that CMake wrote down, or by the fuzz build."""

import json
import pathlib
import re

from tidylib.tree import Finding

_COMPILED = ("src/", "tests/", "bench/", "examples/")
_INCLUDED = re.compile(r'^#include "(.*\.cc)"$', re.MULTILINE)


def _together(compiled, root):
    """What generated files compile as one (cmake/together.cmake)."""
    for path in compiled:
        if path.parent.name == "together":
            yield from ((root / "src" / name).resolve()
                        for name in _INCLUDED.findall(path.read_text()))


def check(tree, build):
    """`build` is a build folder; its compile_commands.json tells what is in a target."""
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    compiled = {pathlib.Path(entry["directory"], entry["file"]).resolve() for entry in commands}
    compiled.update(list(_together(compiled, tree.root)))
    for source in tree.sources:
        if not source.name.endswith(".cc") or not source.path.startswith(_COMPILED):
            continue
        if source.name.endswith("_fuzz.cc"):
            if source.folder is None:
                yield Finding(source.path, 1, "targets", "fuzz targets stand in a folder of src/")
        elif (tree.root / source.path).resolve() not in compiled:
            yield Finding(source.path, 1, "targets", "no target compiles this file")
