"""How an error meets the user: what is wrong, where, what was expected, and what to do about it.

Everything goes to the standard error, as lines that read well or, with ``--json``, as one JSON object.
"""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

from api.cli.exits import MEANINGS, Exit, exit_code
from geodata.errors import InvalidInput, TwinboxError
from geodata.home import home
from twin.errors import NeedUnmet, NotEligible

REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR}
"""What the system says when a folder or disk that the user chose cannot be used."""


def show_error(error: Exception, *, as_json: bool, command: str) -> Exit:
    """Print an error and give the exit code it stands for.

    Args:
        error: What was raised.
        as_json: Whether the user asked for JSON.
        command: What the user typed, for the advice on how to get the traceback.
    """
    if isinstance(error, OSError) and error.filename is not None:
        if error.errno in REFUSALS:
            error = InvalidInput(f"the system refuses: {error.strerror}", file=error.filename)
        elif error.errno == errno.ENOENT and Path(str(error.filename)) in (home(), *home().parents):
            error = InvalidInput(
                "Twinbox's home cannot be made here",
                file=error.filename,
                expected="a folder on a disk",
                hint="name another in TWINBOX_HOME",
            )
    code = exit_code(error)
    if as_json:
        json.dump({"error": document(error, code)}, sys.stderr, indent=2, ensure_ascii=False, default=str)
        sys.stderr.write("\n")
    elif isinstance(error, TwinboxError):
        _show_known(error, code, command)
    else:
        _show_unforeseen(error, command)
    return code


def document(error: Exception, code: Exit) -> dict[str, Any]:
    """An error as data: its kind, message, exit code and parts."""
    head = {"kind": type(error).__name__, "exit_code": int(code), "meaning": MEANINGS[code]}
    if isinstance(error, TwinboxError):
        return {**head, "message": error.message, **error.details()}
    return {**head, "message": str(error)}


def _show_known(error: TwinboxError, code: Exit, command: str) -> None:
    if isinstance(error, NotEligible):
        _show_refusal(error)
    elif isinstance(error, NeedUnmet):
        _show_unmet(error)
    else:
        _write(f"{MEANINGS[code]}: ", error.message)
        for name, value in error.details().items():
            _line(name, str(value))
    if code is Exit.RUN_FAILED and error.__cause__ is not None:
        _line("traceback", _again(command))


def _show_refusal(error: NotEligible) -> None:
    verdict = error.verdict
    _write(f"{MEANINGS[Exit.NOT_ELIGIBLE]}: ", f"the rule {verdict.rule_id} is not satisfied")
    _line("cities", ", ".join(verdict.cities) or "none that counts")
    for reason in verdict.reasons:
        _line("missing", reason.message)


def _show_unmet(error: NeedUnmet) -> None:
    state = error.readiness
    _write(
        f"{MEANINGS[Exit.NOT_READY]}: ", f"the pack of {state.city} does not serve the pilot {state.pilot}"
    )
    for check in state.checks:
        if not (check.met or check.optional):
            _line("missing", f"{check.need}: {check.finding} ({check.why})")
            _line("do", check.advice)
    _line("hint", str(error.hint))


def _show_unforeseen(error: Exception, command: str) -> None:
    _write("unforeseen error: ", f"{type(error).__name__}: {error}")
    _line("traceback", _again(command))
    _line("hint", "this is a defect of Twinbox; please report it with the traceback")


def _again(command: str) -> str:
    return f"twinbox --traceback {command}".rstrip()


def _write(head: str, text: str) -> None:
    from rich.text import Text

    from api.cli.screen import note

    note(Text.assemble((head, "bold red"), text))


def _line(name: str, text: str) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from api.cli.screen import note

    # A grid, so that a long text is folded below itself and not below its name.
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=9, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(name, Text(text))
    note(Padding(grid, (0, 0, 0, 2), expand=False))
