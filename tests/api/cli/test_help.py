"""The command line answers at once, explains itself, and imports nothing heavy to do so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.main import get_command

from api.cli import app

# pydantic is not among them: typer itself takes it to read a command's options.
HEAVY = (
    "numpy",
    "pandas",
    "geopandas",
    "shapely",
    "xarray",
    "scipy",
    "simpy",
    "sqlalchemy",
    "rich.table",
    "matplotlib",
)


def commands():
    root = get_command(app)
    for name, command in root.commands.items():
        yield from (((name, sub), inner) for sub, inner in getattr(command, "commands", {}).items())
        if not hasattr(command, "commands"):
            yield (name,), command


COMMANDS = dict(commands())
WITHOUT_TABLE = {
    ("pilot", "new"),
    ("serve",),
    ("share",),
    *(("tenant", verb) for verb in ("add", "disable", "enable")),
    ("key", "revoke"),
    ("contract", "add"),
    ("contract", "end"),
}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["pack", "--help"]], ids=str)
def test_help_imports_no_scientific_library(arguments):
    code = (
        "import sys, api.cli\n"
        "try:\n api.cli.app(sys.argv[1:], prog_name='twinbox')\nexcept SystemExit:\n pass\n"
        "import json; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_every_command_shows_an_example_that_names_itself(twinbox):
    assert len(COMMANDS) >= 12
    for words in COMMANDS:
        said = twinbox(*words, "--help")
        assert said.code == 0
        _, _, examples = said.out.partition("Example")
        assert f"twinbox {' '.join(words)}" in examples, words


def test_every_option_and_argument_is_described():
    for words, command in COMMANDS.items():
        for parameter in command.params:
            assert parameter.help, (words, parameter.name)


def test_every_command_that_prints_a_table_offers_json(twinbox):
    assert set(COMMANDS) > WITHOUT_TABLE
    for words in COMMANDS:
        if words not in WITHOUT_TABLE:
            assert "--json" in twinbox(*words, "--help").out, words


def test_the_first_page_lists_commands_by_subject_and_the_exit_codes(twinbox):
    page = twinbox("--help").out
    subjects = ["Cities and their data:", "Pilots:", "Runs:", "This machine:"]
    assert [line.strip() for line in page.splitlines() if line.strip() in subjects] == subjects
    for words in COMMANDS:
        assert f"\n  {' '.join(words)} " in page
    assert "3 not eligible" in page


def test_version_is_that_of_the_distribution(twinbox):
    from importlib.metadata import version

    assert twinbox("--version").out == f"twinbox {version('twinbox')}\n"


def test_no_arguments_is_help_and_a_usage_error(twinbox):
    said = twinbox()
    assert said.code == 2
    assert "Usage: twinbox" in said.out + said.err
