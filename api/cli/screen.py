"""What the terminal shows: tables that line up, JSON for scripts, progress for those who wait.

Results go to the standard output; progress and errors to the standard error, so that
``twinbox runs --json | jq`` gets JSON and nothing else.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DEMO = "SYNTHETIC DEMO DATA"
LEGIBLE = 16
"""Columns of text are not folded below this width."""
WIDEST = 10_000
WIDE = 200
"""Columns assumed where the output is no terminal, so that a table in a file or pipe is not folded."""


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, so that data cannot style or break a line."""
    from rich.console import Console

    screen = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not screen.is_terminal:
        screen.width = WIDE
    return screen


def say(*parts: RenderableType, style: str | None = None) -> None:
    """Print to the standard output; a table too wide for the terminal runs over its edge, whole."""
    from rich.measure import Measurement

    screen = console()
    for part in parts or ("",):
        if isinstance(part, str):
            screen.print(part, style=style, soft_wrap=True)
            continue
        least = Measurement.get(screen, screen.options.update(width=WIDEST), part).minimum
        screen.width = max(screen.width, least)
        screen.print(part, style=style)


def note(*parts: RenderableType, style: str | None = None) -> None:
    """Print to the standard error, beside the result."""
    console(stderr=True).print(*parts, style=style)


def emit(document: Any) -> None:
    """Print a JSON document to the standard output; what is not a number becomes null."""
    json.dump(_finite(document), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    sys.stdout.write("\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


@dataclass(frozen=True)
class Numbers:
    """The head of a column whose cells end below one another."""

    head: str


def table(
    columns: Sequence[Any], rows: Iterable[Sequence[Any]], *, title: str | None = None
) -> RenderableType:
    """A table with a rule below its head and nothing else.

    Args:
        columns: Heads: text, or :class:`Numbers`.
        rows: Cells: text, or text with a style.
        title: A line above the table.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    cells = [list(row) for row in rows]
    for n, column in enumerate(columns):
        head = column if isinstance(column, str) else column.head
        width = max(
            len(line) for text in (head, *(str(row[n]) for row in cells)) for line in text.split("\n")
        )
        if column is head:
            grid.add_column(head, overflow="fold", min_width=min(width, LEGIBLE))
            continue
        # Padded here: justified to the right, rich would strip the blanks that line decimal points up.
        grid.add_column(head.rjust(width), no_wrap=True, min_width=width)
        for row in cells:
            row[n] = "\n".join(line.rjust(width) for line in str(row[n]).split("\n"))
    for row in cells:
        grid.add_row(*row)
    # Beside the table, not its own title, which would be folded to the table's width.
    return Group("", Text(title, "bold"), grid) if title else grid


def stamp(text: str) -> None:
    """Print, loudly, that data are generated."""
    from rich.text import Text

    say(Text.assemble((f" {DEMO} ", "bold white on red"), f"  {text}"))


class Bar(Protocol):
    """Moves a progress bar."""

    def __call__(self, share: float, hand: str | None = None, /) -> None:
        """Show the share that is done, and what is in hand."""


@contextmanager
def progress(text: str, *, quiet: bool = False) -> Iterator[Bar | None]:
    """A progress bar on the standard error while a block runs.

    Args:
        text: What is being done.
        quiet: Show none; none is shown either where the standard error is no terminal.

    Yields:
        A function to call with the share that is done, or None if no bar is shown.
    """
    screen = console(stderr=True)
    if quiet or not screen.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as shown:
        # It pulses until a first share is told.
        task = shown.add_task(text, total=None)

        def move(share: float, hand: str | None = None, /) -> None:
            shown.update(task, total=1.0, completed=share, description=f"{text}: {hand}" if hand else text)

        yield move
