"""The exit codes of the command line, and the one table that maps the tree of errors to them.

A script that calls ``twinbox`` can tell a typing mistake (2) from a refusal under the programme's rule (3),
from a city whose data are not ready (4) and from a pilot that failed (5) without reading a word.
"""

from __future__ import annotations

from enum import IntEnum

from geodata.errors import InvalidInput, NotReady, TwinboxError
from twin.errors import ContractBroken, DamagedRun, NotEligible, PluginRefused, RunFailed


class Exit(IntEnum):
    """What an exit code says."""

    DONE = 0
    UNFORESEEN = 1
    BAD_INPUT = 2
    NOT_ELIGIBLE = 3
    NOT_READY = 4
    RUN_FAILED = 5
    INTERRUPTED = 130


CODES: dict[type[TwinboxError], Exit] = {
    InvalidInput: Exit.BAD_INPUT,
    NotEligible: Exit.NOT_ELIGIBLE,
    NotReady: Exit.NOT_READY,
    DamagedRun: Exit.NOT_READY,
    RunFailed: Exit.RUN_FAILED,
    ContractBroken: Exit.RUN_FAILED,
    PluginRefused: Exit.RUN_FAILED,
}
"""The code of each branch of the tree; an error has the code of its nearest ancestor here."""

MEANINGS = {
    Exit.DONE: "done",
    Exit.UNFORESEEN: "unforeseen error",
    Exit.BAD_INPUT: "bad input",
    Exit.NOT_ELIGIBLE: "not eligible",
    Exit.NOT_READY: "data not ready",
    Exit.RUN_FAILED: "run failed",
    Exit.INTERRUPTED: "interrupted",
}


def exit_code(error: BaseException) -> Exit:
    """The exit code of an error."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return Exit.UNFORESEEN
