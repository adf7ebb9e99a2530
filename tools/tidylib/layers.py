"""The layers: an #include points to the same folder or to one that stands below it."""

import re

from tidylib.tree import Finding

RULE = "layers"


def closure(layers):
    """folder -> every folder that it may include, itself among them."""
    reach = {}

    def visit(folder, path=()):
        if folder in path:
            raise ValueError("layers go in a circle: " + " -> ".join((*path, folder)))
        if folder not in reach:
            below = {folder}
            for dependency in layers[folder]:
                below |= visit(dependency, (*path, folder))
            reach[folder] = below
        return reach[folder]

    for folder in layers:
        visit(folder)
    return reach


def check(tree, config):
    layers, public = config["layers"], config["public"]
    reach = closure(layers)
    paths = {source.path for source in tree.sources}
    for source in tree.cpp:
        if source.path.startswith("include/balcony/"):
            yield from _public_header(source, public, reach)
        elif source.folder:
            yield from _folder_file(source, public, reach, paths)
        elif source.path.startswith("examples/"):
            yield from _example(source)
    for source in tree.sources:
        if source.folder and source.name == "CMakeLists.txt":
            yield from _cmake(source, reach)


def _folder_file(source, public, reach, paths):
    if source.folder not in reach:
        yield Finding(source.path, 1, RULE,
                      f"src/{source.folder} has no layer; add it to tools/tidy.toml")
        return
    allowed = reach[source.folder]
    for line, quote, what in source.includes:
        layer = _layer_of(what, quote, public, reach)
        if layer is not None and layer not in allowed:
            yield Finding(source.path, line, RULE,
                          f"{source.folder} must not include {what}: {layer} is not below it")
        elif quote == '"' and f"src/{what}" not in paths:
            yield Finding(source.path, line, RULE,
                          f'"{what}" is not under src/; write the path from there, '
                          "and <...> for what is not ours")


def _public_header(source, public, reach):
    own = public.get(source.name.removesuffix(".h"))
    if own is None:
        yield Finding(source.path, 1, RULE,
                      "a public header needs a layer: add it to [public] in tools/tidy.toml")
        return
    for line, quote, what in source.includes:
        if quote == '"':
            yield Finding(source.path, line, RULE,
                          f'a public header is installed without src/: not "{what}"')
        elif what.startswith("balcony/"):
            layer = _layer_of(what, quote, public, reach)
            if layer is not None and layer not in reach[own]:
                yield Finding(source.path, line, RULE,
                              f"{source.name} ({own}) must not include {what} ({layer})")
        elif "/" in what or what.endswith(".h"):
            yield Finding(source.path, line, RULE,
                          f"a public header includes only <balcony/...> and C++, not <{what}>")


def _example(source):
    for line, quote, what in source.includes:
        if quote == '"' and "/" in what:
            yield Finding(source.path, line, RULE,
                          f'an example uses the public headers only, not "{what}"')


def _layer_of(what, quote, public, reach):
    """The folder that an include points to; None when it is not ours."""
    if quote == "<":
        return public.get(what[8:].removesuffix(".h")) if what.startswith("balcony/") else None
    top = what.split("/", 1)[0]
    return top if top in reach else None


def _cmake(source, reach):
    for match in re.finditer(r"balcony_library\((\w+)([^)]*)\)", source.text):
        name, rest = match.groups()
        if name not in reach:
            continue
        depends = re.search(r"\bDEPS\s+([a-z_0-9\s]+)", rest)
        for dependency in (depends.group(1).split() if depends else ()):
            if dependency not in reach[name]:
                yield Finding(source.path, source.line_of(match.start()), RULE,
                              f"{name} must not depend on {dependency}")
