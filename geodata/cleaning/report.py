"""The cleaning report: what became of every row that was read, for one dataset and for a whole pack.

The report holds no time of day and no machine's name: the same sources give the same report.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Value):
    """One row that shows what was wrong."""

    file: str | None = None
    row: str | None = None
    field: str | None = None
    value: str | None = None
    expected: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row}" + (f", field {self.field}" if self.field else "")
        text = where if self.value is None else f"{where}: got {self.value}"
        return text + (f", expected {self.expected}" if self.expected else "")


class Reason(_Value):
    """Why rows were dropped or repaired, how many, and some of them."""

    reason: str
    rows: int
    fault: Annotated[bool, Field(description="wrong, rather than not asked for")]
    field: str | None = None
    examples: tuple[Example, ...] = ()


class Note(_Value):
    """A remark that concerns no single row."""

    text: str
    fault: bool = False


class JoinNote(_Value):
    """How many rows found their partner in another file."""

    source: str
    rows: int
    matched: int
    unused: int
    examples_unmatched: tuple[str, ...] = ()


class Reshape(_Value):
    """A step that makes many rows of one, or one of many."""

    step: str
    rows_in: int
    rows_out: int
    detail: str


class DatasetReport(_Value):
    """The account of one dataset. ``rows_read = rows_kept + rows_dropped`` always holds."""

    dataset: str
    kind: str
    files: tuple[str, ...]
    rows_read: int
    rows_dropped: int
    rows_kept: int
    rows_repaired: int
    rows_written: int
    dropped: tuple[Reason, ...] = ()
    repaired: tuple[Reason, ...] = ()
    joins: tuple[JoinNote, ...] = ()
    reshapes: tuple[Reshape, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def rows_faulty(self) -> int:
        """Rows dropped because they are wrong."""
        return sum(reason.rows for reason in self.dropped if reason.fault)

    @property
    def rows_left_out(self) -> int:
        """Rows dropped because they were not asked for."""
        return self.rows_dropped - self.rows_faulty


class SourceUse(_Value):
    """A source file as it was found."""

    path: str
    bytes: int
    sha256: str
    as_expected: Annotated[bool | None, Field(description="None where the recipe gives no checksum")]


class CleaningReport(_Value):
    """The account of a whole pack."""

    city: str
    sources: tuple[SourceUse, ...]
    datasets: tuple[DatasetReport, ...]

    @property
    def rows_read(self) -> int:
        """Rows read from all sources; a file that serves two datasets counts twice."""
        return sum(item.rows_read for item in self.datasets)

    @property
    def rows_kept(self) -> int:
        """Rows that stand, mended or not, behind the pack."""
        return sum(item.rows_kept for item in self.datasets)

    @property
    def rows_repaired(self) -> int:
        """Rows kept after a repair."""
        return sum(item.rows_repaired for item in self.datasets)

    @property
    def rows_faulty(self) -> int:
        """Rows dropped because they are wrong."""
        return sum(item.rows_faulty for item in self.datasets)

    @property
    def rows_left_out(self) -> int:
        """Rows dropped because they were not asked for."""
        return sum(item.rows_left_out for item in self.datasets)

    def text(self, *, examples: int = 2) -> str:
        """The report as lines that fit a terminal.

        Args:
            examples: How many examples to show for each reason.
        """
        header = ("dataset", "read", "left out", "faulty", "kept", "repaired", "written")
        lines = [f"Cleaning report of {self.city}", _columns(*header)]
        lines += [_counts(item) for item in self.datasets]
        written = sum(item.rows_written for item in self.datasets)
        totals = (self.rows_read, self.rows_left_out, self.rows_faulty, self.rows_kept, self.rows_repaired)
        lines.append(_columns("all", *totals, written))
        changed = [source.path for source in self.sources if source.as_expected is False]
        lines += [f"changed since the recipe was written: {path}" for path in changed]
        for item in self.datasets:
            lines += _remarks(item, examples)
        return "\n".join(lines) + "\n"


def _counts(item: DatasetReport) -> str:
    return _columns(
        item.dataset,
        item.rows_read,
        item.rows_left_out,
        item.rows_faulty,
        item.rows_kept,
        item.rows_repaired,
        item.rows_written,
    )


def _columns(name: str, *cells: object) -> str:
    return f"{name:<22}" + "".join(f"{cell:>10}" for cell in cells)


def _remarks(item: DatasetReport, examples: int) -> list[str]:
    lines: list[str] = []
    for verb, reasons in (("dropped", item.dropped), ("repaired", item.repaired)):
        for reason in reasons:
            lines.append(f"  {verb} {reason.rows}: {reason.reason}")
            lines += [f"    {example}" for example in reason.examples[:examples]]
    for join in item.joins:
        lines.append(
            f"  joined {join.matched} of {join.rows} with {join.source}; {join.unused} rows there unused"
        )
        if join.examples_unmatched:
            lines.append("    without a partner: " + ", ".join(join.examples_unmatched))
    lines += [
        f"  {step.step} {step.rows_in} rows into {step.rows_out}: {step.detail}" for step in item.reshapes
    ]
    lines += [f"  note: {note.text}" for note in item.notes]
    return [f"{item.dataset}:", *lines] if lines else []
