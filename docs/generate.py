"""Write the reference pages that follow from the code: run it after a kind or a command has changed.

Usage: ``python docs/generate.py`` writes; ``python docs/generate.py --check`` fails if a page is out of date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from api.cli import app
from api.cli.exits import MEANINGS
from geodata.kinds import KINDS, Kind
from twin import plugins
from twin.pilot import Pilot, settings

HERE = Path(__file__).parent


def kinds_page() -> str:
    """All kinds of dataset with their columns."""
    intro = (
        "A city pack holds datasets of these kinds. Recipes map a city's files to them, pilots name them as "
        "needs. Required columns are in bold; a dataset has no other columns. Instants are UTC and mark "
        "the start of the interval that a row describes."
    )
    return "\n".join([f"# Kinds of dataset\n\n{intro}\n", *map(kind_section, KINDS.values())])


def kind_section(kind: Kind) -> str:
    """One kind."""
    facts = [f"geometry: {kind.geometry}" if kind.geometry else f"{kind.form} without geometry"]
    if kind.key:
        facts.append("key: " + ", ".join(f"`{name}`" for name in kind.key))
    if kind.disjoint:
        facts.append("areas may not overlap")
    rows = [
        f"| {f'**{c.name}**' if c.required else c.name} | {c.expected} | {c.unit or ''} | {c.description} |"
        for c in kind.columns
    ]
    titles = " · ".join(kind.titles[language] for language in ("et", "fi"))
    return "\n".join(
        [
            f"## {kind.name}\n\n{kind.title} ({titles}). {kind.description} {'; '.join(facts)}.\n",
            "| column | values | unit | meaning |\n|---|---|---|---|",
            *rows,
            "",
        ]
    )


def command_line_page() -> str:
    """All commands with their options and examples."""
    intro = (
        "What `twinbox` can be asked on the command line. Each page of help ends with an example: "
        "`twinbox run --help`.\n\n"
        "Results go to the standard output, progress and errors to the standard error. `--json` prints one "
        "JSON document instead of tables; numbers that are not there are `null`. With `--json` an error is "
        'JSON as well: `{"error": {"kind", "message", "exit_code", "file", "row", "field", "value", '
        '"expected", "hint"}}`, parts that are not known left out. `twinbox --traceback COMMAND` shows '
        "where in the code an error arose.\n\n"
        "Packs, runs and sweeps are kept in the folder that `TWINBOX_HOME` names, else in the platform's "
        "folder for user data; `twinbox doctor` says which."
    )
    codes = [
        "| exit code | says |\n|---|---|",
        *(f"| {int(code)} | {text} |" for code, text in MEANINGS.items()),
    ]
    sections = (command_section(words, command) for words, command in sorted(commands()))
    return "\n".join([f"# Command line\n\n{intro}\n", *codes, "", *sections])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what is typed for it."""
    root: Any = get_command(app)
    for name, command in root.commands.items():
        inner = getattr(command, "commands", {})
        yield from ((f"{name} {sub}", one) for sub, one in inner.items()) if inner else [(name, command)]


def command_section(words: str, command: Any) -> str:
    """One command."""
    rows = [f"| {spelled(option)} | {option.help} |" for option in command.params if option.name != "help"]
    examples = inspect.cleandoc(command.epilog).partition("\b\n")[2]
    text = inspect.cleandoc(command.help)
    table = ["|   | meaning |\n|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## twinbox {words}\n\n{text}\n", *table, f"```sh\n{prompted(examples)}\n```\n"])


def spelled(option: Any) -> str:
    """How an option or argument is typed, with its default."""
    if option.param_type_name == "argument":
        return f"`{option.metavar or option.name.upper()}`"
    value = "" if option.is_flag else f" {option.metavar or 'N'}"
    default = f" (default {option.default})" if option.default not in {None, False, ""} else ""
    return ", ".join(f"`{name}{value}`" for name in reversed(option.opts)) + default


def prompted(examples: str) -> str:
    """Examples behind a shell's prompt."""
    return "\n".join(f"$ {line.strip()}" for line in examples.splitlines())


def pilots_page() -> str:
    """The pilots that come with Twinbox: what they report, what can be set, what they need."""
    intro = (
        "What the pilots that come with Twinbox report, what a scenario may set, and what they need of a "
        "city's pack. `twinbox pilot show NAME` prints the same for any pilot that is installed."
    )
    own = sorted(plugin.id for plugin in plugins.found() if plugin.distribution == plugins.OWN)
    return "\n".join([f"# Pilots\n\n{intro}\n", *(pilot_section(plugins.load(name)) for name in own)])


def pilot_section(pilot: Pilot) -> str:
    """One pilot."""
    better = {"higher": "↑", "lower": "↓", "neither": ""}
    kpis = [f"| `{k.id}` | {k.unit} | {better[k.better]} | {k.definition} | {k.source} |" for k in pilot.kpis]
    can_be_set = [
        f"| `{f.name}` | {f.default} | {f.unit} | {f.allowed} | {f.description} |"
        for f in settings(pilot.Scenario)
    ]
    needs = [f"| {n.kind} | {'optional' if n.optional else 'needed'} | {n.why} |" for n in pilot.needs]
    signals = [
        f"| {way} | `{signal.id}` | {signal.unit} | {signal.description} |"
        for way, part in (("reads", pilot.reads), ("writes", pilot.writes))
        for signal in part
    ]
    return "\n".join(
        [
            f"## {pilot.id}: {pilot.title}\n",
            "| indicator | unit | better | definition | source |\n|---|---|---|---|---|",
            *kpis,
            "\n| setting | default | unit | allowed | sets |\n|---|---|---|---|---|",
            *can_be_set,
            "\n| kind of dataset |   | for |\n|---|---|---|",
            *needs,
            *(["\n|   | signal | unit | means |\n|---|---|---|---|", *signals] if signals else []),
            "",
        ]
    )


PAGES = {"kinds.md": kinds_page, "command-line.md": command_line_page, "pilots.md": pilots_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    stale = []
    for name, make in PAGES.items():
        page = HERE / name
        text = make()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(text, encoding="utf-8")
                print("wrote", name)
    if "--check" in arguments and stale:
        print("out of date, run python docs/generate.py:", ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
