"""What a reader hands over: a raw table with the place of each row in its file, or a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from geodata.errors import NotReady

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


class Options(BaseModel):
    """Options of a reader, as a recipe gives them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Remark:
    """What a reader has to say of one row.

    Args:
        label: What names the row in its file.
        reason: What is wrong with it, or what was mended.
        field: The column to blame.
        value: What stood there.
        expected: What should have stood there.
        fault: Whether it is wrong, or merely of no use.
    """

    label: object
    reason: str
    field: str | None = None
    value: object = None
    expected: str | None = None
    fault: bool = True


@dataclass(frozen=True)
class Reading:
    """A raw table.

    Args:
        frame: The rows, a GeoDataFrame where the format has geometry; text columns hold text, None where
            empty.
        labels: What names each row in its file, usually its number, 1 for the first row of data.
        rejected: Rows that could not be made into rows of the table.
        mended: Rows of the table that the reader repaired.
        notes: Remarks that concern no single row.
    """

    frame: pd.DataFrame
    labels: NDArray[Any]
    rejected: Sequence[Remark] = ()
    mended: Sequence[Remark] = ()
    notes: Sequence[str] = ()

    @classmethod
    def numbered(cls, frame: pd.DataFrame, **more: Any) -> Reading:
        """A reading whose rows are named by their number."""
        return cls(frame.reset_index(drop=True), np.arange(1, len(frame) + 1), **more)


@dataclass(frozen=True)
class Grid:
    """A raster, not yet read.

    Args:
        cells: Cells in the file.
        window: Reads the part that covers a box (west, south, east, north) of a CRS, as ``(x, y, values)``:
            the cells' centres in that CRS and their values, NaN where there is none. The side of a cell in
            metres is the file's own where it is given as None.
    """

    cells: int
    window: Callable[[str, tuple[float, float, float, float], float | None], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True)
class Reader:
    """A reader: its options and how it reads.

    Args:
        options: Model of its options.
        read: Reads a file.
        folder: Whether the format is a folder of files (or a zip archive of one).
    """

    options: type[Options]
    read: Callable[[Path, Any], Reading | Grid]
    folder: bool = False


def missing_library(name: str, error: ImportError) -> NotReady:
    """The error of a format whose library is not installed."""
    missing = NotReady(
        f"reading this format needs the library {name}, which is not installed",
        hint="pip install 'twinbox[sources]'",
    )
    missing.__cause__ = error
    return missing
