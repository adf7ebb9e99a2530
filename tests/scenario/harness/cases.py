"""Finds the scenarios of a folder and makes cases of them, all with the same face."""

import importlib.util
import tomllib
from pathlib import Path

from . import accounts, dialogue
from .errors import BrokenScenario
from .player import Player
from .stage import Stage, scenario


class Case:
    """One scenario: a name, accounts, settings, and `play(server, transcript)`."""

    def __init__(self, name, title, made, config, fresh, differs):
        self.name = name
        self.title = title
        self.accounts = made
        self.settings = tomllib.loads(config)
        self.fresh = fresh or bool(self.settings)
        self.differs = differs

    def play(self, server, transcript):
        raise NotImplementedError


class DialogueCase(Case):
    def __init__(self, name, parsed, number):
        super().__init__(name, parsed.title, parsed.make_accounts(number), parsed.config, False,
                         parsed.differs)
        self._dialogue = parsed

    def play(self, server, transcript):
        player = Player(self._dialogue, server, self.accounts, transcript)
        try:
            player.play()
        finally:
            player.close()


class PythonCase(Case):
    def __init__(self, name, function, number, default_host):
        needs = getattr(function, "needs", None) or scenario()(function).needs
        host = needs["host"] or default_host
        made = {f"{u}@{host}": accounts.make(u, host, number) for u in needs["users"]}
        title = (function.__doc__ or "").strip().split("\n")[0]
        super().__init__(name, title, made, needs["config"], needs["fresh"], needs["differs"])
        self._function = function

    def play(self, server, transcript):
        stage = Stage(server, self.accounts, transcript)
        try:
            self._function(stage)
        finally:
            stage.close()


def find(folder, default_host):
    """All cases below `folder`, in the order of their names."""
    found, number = [], 0
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".scenario":
            for suffix, parsed in dialogue.read(path):
                number += 1
                short = name.removesuffix(".scenario") + suffix
                found.append(DialogueCase(short, parsed, number))
        elif path.name.endswith("_scenario.py"):
            for function in _functions(path):
                number += 1
                short = function.__name__.removeprefix("scenario_")
                found.append(PythonCase(f"{name.removesuffix('_scenario.py')}:{short}", function,
                                        number, default_host))
    return found


def _functions(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    functions = [v for k, v in vars(module).items() if k.startswith("scenario_")]
    if not functions:
        raise BrokenScenario(f"{path}: there is no function scenario_...")
    return functions
