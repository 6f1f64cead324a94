"""The account of one dataset's rows: read, repaired, dropped, kept, each with its reason and examples.

Rows are numbered as they are read. A frame on its way through the cleaning carries that number in the column
``source_index``; rows can only leave through :meth:`Ledger.drop`, so that ``read = kept + dropped`` holds by
construction and every message can name the file and the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from geodata.cleaning.report import DatasetReport, Example, JoinNote, Note, Reason, Reshape
from geodata.errors import InvalidData, shorten

if TYPE_CHECKING:
    import pandas as pd

Frame = TypeVar("Frame", bound="pd.DataFrame")

INDEX = "source_index"
EXAMPLES = 5


class Ledger:
    """Counts the rows of one dataset on their way from its sources into the pack.

    Args:
        dataset: Id of the dataset.
        kind: Name of its kind.
    """

    def __init__(self, dataset: str, kind: str) -> None:
        self.dataset = dataset
        self.kind = kind
        self._files: list[str] = []
        self._file_of: NDArray[np.int32] = np.zeros(0, np.int32)
        self._labels: NDArray[Any] = np.zeros(0, object)
        self._gone: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._mended: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._dropped: list[Reason] = []
        self._repaired: list[Reason] = []
        self._notes: list[Note] = []
        self._joins: list[JoinNote] = []
        self._reshapes: list[Reshape] = []

    def read(self, file: str, labels: Sequence[object] | NDArray[Any]) -> NDArray[np.int64]:
        """Count rows in.

        Args:
            file: The file they come from, as the user knows it.
            labels: What names each row in its file: a row number, or e.g. ``way/123``.

        Returns:
            The rows' numbers, for the column ``source_index``.
        """
        first, count = len(self._labels), len(labels)
        self._files.append(file)
        added = np.empty(count, object)
        added[:] = list(labels)
        self._labels = np.concatenate([self._labels, added])
        self._file_of = np.concatenate([self._file_of, np.full(count, len(self._files) - 1, np.int32)])
        self._gone = np.concatenate([self._gone, np.zeros(count, np.bool_)])
        self._mended = np.concatenate([self._mended, np.zeros(count, np.bool_)])
        return np.arange(first, first + count)

    def drop(
        self,
        frame: Frame,
        mask: NDArray[np.bool_],
        reason: str,
        *,
        field: str | None = None,
        values: Any = None,
        expected: str | None = None,
        fault: bool = True,
    ) -> Frame:
        """Let rows go and say why.

        Args:
            frame: The rows.
            mask: Which of them go.
            reason: Why, in a few words.
            field: The column that is to blame.
            values: What stood there, one per row of the frame; the column's own values if left out.
            expected: What should have stood there.
            fault: Whether the rows are wrong, or merely not asked for (another city, another use).

        Returns:
            The rows that stay.
        """
        mask = np.asarray(mask, np.bool_)
        if not mask.any():
            return frame
        rows = frame[INDEX].to_numpy()[mask]
        self._gone[rows] = True
        examples = self._examples(frame, mask, field, values, expected)
        self._dropped.append(
            Reason(reason=reason, rows=len(np.unique(rows)), fault=fault, field=field, examples=examples)
        )
        return frame[~mask]

    def repair(
        self,
        frame: pd.DataFrame,
        mask: NDArray[np.bool_],
        reason: str,
        *,
        field: str | None = None,
        values: Any = None,
        expected: str | None = None,
        fault: bool = True,
    ) -> None:
        """Note that rows were mended; arguments as in :meth:`drop`."""
        mask = np.asarray(mask, np.bool_)
        if not mask.any():
            return
        rows = frame[INDEX].to_numpy()[mask]
        self._mended[rows] = True
        examples = self._examples(frame, mask, field, values, expected)
        self._repaired.append(
            Reason(reason=reason, rows=len(np.unique(rows)), fault=fault, field=field, examples=examples)
        )

    def note(self, text: str, *, fault: bool = False) -> None:
        """Write a remark that concerns no single row."""
        self._notes.append(Note(text=text, fault=fault))

    def joined(self, note: JoinNote) -> None:
        """Write down how a join went."""
        self._joins.append(note)

    def reshaped(self, step: str, rows_in: int, rows_out: int, detail: str) -> None:
        """Write down a step that makes many rows of one, or one of many."""
        self._reshapes.append(Reshape(step=step, rows_in=rows_in, rows_out=rows_out, detail=detail))

    def label(self, index: int) -> tuple[str, object]:
        """File and row of a row number."""
        return self._files[self._file_of[index]], self._labels[index]

    def check_faults(self, most: float) -> None:
        """Refuse a dataset of which too much is wrong.

        Args:
            most: The greatest share of rows that may be dropped as faulty.

        Raises:
            InvalidData: More than that is wrong, or nothing is left.
        """
        read = len(self._gone)
        faulty = [reason for reason in self._dropped if reason.fault]
        wrong = sum(reason.rows for reason in faulty)
        if read and wrong > most * read:
            worst = max(faulty, key=lambda reason: reason.rows)
            self._refuse(f"{wrong} of {read} rows are wrong, most of them: {worst.reason}", worst)
        if read and self._gone.all():
            worst = max(self._dropped, key=lambda reason: reason.rows)
            self._refuse(f"no row of {read} is left: {worst.reason}", worst)

    def _refuse(self, message: str, reason: Reason) -> None:
        example = reason.examples[0] if reason.examples else Example()
        raise InvalidData(
            f"dataset {self.dataset}: {message}",
            file=example.file,
            row=example.row,
            field=example.field,
            value=example.value,
            expected=example.expected,
        )

    def report(self, rows_written: int) -> DatasetReport:
        """The account so far.

        Args:
            rows_written: Rows of the dataset as it stands in the pack.
        """
        return DatasetReport(
            dataset=self.dataset,
            kind=self.kind,
            files=tuple(dict.fromkeys(self._files)),
            rows_read=len(self._gone),
            rows_dropped=int(self._gone.sum()),
            rows_kept=int((~self._gone).sum()),
            rows_repaired=int((self._mended & ~self._gone).sum()),
            rows_written=rows_written,
            dropped=tuple(self._dropped),
            repaired=tuple(self._repaired),
            joins=tuple(self._joins),
            reshapes=tuple(self._reshapes),
            notes=tuple(self._notes),
        )

    def _examples(
        self,
        frame: pd.DataFrame,
        mask: NDArray[np.bool_],
        field: str | None,
        values: Any,
        expected: str | None,
    ) -> tuple[Example, ...]:
        places = np.flatnonzero(mask)[:EXAMPLES]
        rows = frame[INDEX].to_numpy()[places]
        if values is None and field is not None and field in frame:
            values = frame[field]
        shown = [None] * len(places) if values is None else list(np.asarray(values, object)[places])
        return tuple(
            Example(
                file=self.label(row)[0],
                row=str(self.label(row)[1]),
                field=field,
                value=None if _empty(value) else shorten(value),
                expected=expected,
            )
            for row, value in zip(rows, shown, strict=True)
        )


def _empty(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, NA, NaT."""
    return value is None or str(value) in {"nan", "<NA>", "NaT"}
