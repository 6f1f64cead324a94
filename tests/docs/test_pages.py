"""Run the examples of the documentation: whatever a page shows is what the reader will see.

Blocks marked ``console`` hold commands after ``$``; those that start with ``twinbox`` are run, one after the
other in one folder a page, and their output is compared with what the page shows (``…`` stands for anything).
Blocks marked ``python`` are run too; fragments are marked ``py``.
"""

from __future__ import annotations

import doctest
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_console(example: Example) -> str | None:
    """Run the commands of a block; the difference from what the page shows, or None."""
    home = example.namespace["page"]
    folder = example.namespace.setdefault("folder", tempfile.mkdtemp(dir=home, prefix="page-"))
    for command, expected in commands(str(example.parsed)):
        if not command.startswith("twinbox "):
            continue
        output = call(shlex.split(command), folder, home)
        if expected and not doctest.OutputChecker().check_output(expected, output, FLAGS):
            return f"$ {command}\nexpected:\n{expected}\ngot:\n{output}"
    return None


def commands(block: str) -> list[tuple[str, str]]:
    """Commands with the output shown below each."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0][:-1] + line.strip(), [])
        elif found and line.strip():
            found[-1][1].append(line.replace("…", "..."))
    return [(command, "\n".join(lines) + "\n" if lines else "") for command, lines in found]


def call(command: list[str], folder: str, home: Path) -> str:
    """What a command prints, its messages included."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("twinbox")), *command[1:]],
        cwd=folder,
        env={**os.environ, "TWINBOX_HOME": str(home), "COLUMNS": "110"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home of Twinbox for all pages: demo packs are made once."""
    return tmp_path_factory.mktemp("home")


PARSER = Sybil(
    parsers=[CodeBlockParser(language="console", evaluator=run_console), PythonCodeBlockParser()],
    path=str(ROOT),
)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_page_give_what_it_shows(path: Path, page: Path) -> None:
    document = PARSER.parse(path)
    document.namespace["page"] = page
    for example in document.examples():
        example.evaluate()
