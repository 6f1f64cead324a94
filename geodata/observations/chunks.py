"""A month of one datastream as columns of bytes: small to keep, quick to merge.

Times that step by five minutes shrink to almost nothing once only their differences' differences are kept;
the bytes of neighbouring values are alike and shrink when like stands by like.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_LEVEL = 1


@dataclass(frozen=True, eq=False)
class Columns:
    """Observations of one datastream in order of time, each instant once."""

    time: Times
    """Nanoseconds since 1970."""
    value: Floats
    flag: Bytes
    state: Bytes

    def __len__(self) -> int:
        return int(self.time.size)

    def within(self, start: int, end: int) -> Columns:
        """Those from `start` (included) to `end` (not included)."""
        return self.take(slice(int(np.searchsorted(self.time, start)), int(np.searchsorted(self.time, end))))

    def take(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
        """Some of them."""
        return Columns(self.time[rows], self.value[rows], self.flag[rows], self.state[rows])


EMPTY = Columns(
    np.empty(0, dtype=np.int64),
    np.empty(0, dtype=np.float64),
    np.empty(0, dtype=np.uint8),
    np.empty(0, dtype=np.uint8),
)


def encode(columns: Columns) -> bytes:
    """Columns as bytes."""
    steps = np.diff(columns.time, prepend=np.int64(0))
    turns = np.diff(steps, prepend=np.int64(0))
    parts = (
        _pack(turns),
        _pack(columns.value),
        zlib.compress(columns.flag.tobytes(), _LEVEL),
        zlib.compress(columns.state.tobytes(), _LEVEL),
    )
    sizes = np.array([len(columns), *(len(part) for part in parts)], dtype="<u4").tobytes()
    return sizes + b"".join(parts)


def decode(blob: bytes) -> Columns:
    """Columns from bytes."""
    count, *sizes = (int(size) for size in np.frombuffer(blob, dtype="<u4", count=5))
    ends = np.cumsum([20, *sizes])
    turns, value, flag, state = (blob[a:b] for a, b in pairwise(ends))
    return Columns(
        np.cumsum(np.cumsum(_unpack(turns, "<i8", count))),
        _unpack(value, "<f8", count).astype(np.float64),
        np.frombuffer(zlib.decompress(flag), dtype=np.uint8),
        np.frombuffer(zlib.decompress(state), dtype=np.uint8),
    )


def _pack(array: NDArray[np.int64] | Floats) -> bytes:
    """Eight-byte numbers, their first bytes together, then their second, compressed."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return zlib.compress(little.view(np.uint8).reshape(-1, 8).T.tobytes(), _LEVEL)


def _unpack(blob: bytes, kind: str, count: int) -> NDArray[np.int64] | Floats:
    planes = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(8, count)
    return np.ascontiguousarray(planes.T).view(kind).ravel()


def merge(old: Columns, new: Columns) -> tuple[Columns, NDArray[np.bool_], NDArray[np.bool_]]:
    """Add observations; where an instant is there already, the new value takes its place.

    Args:
        old: What is there.
        new: What came, in order of time, each instant once.

    Returns:
        Both together, and for each row of `new` whether its instant was there already, and with another
        value.
    """
    if not len(old) or (len(new) and new.time[0] > old.time[-1]):
        nothing = np.zeros(len(new), dtype=np.bool_)
        return _joined(old, new), nothing, nothing
    place = np.searchsorted(old.time, new.time)
    inside = np.minimum(place, len(old) - 1)
    known = old.time[inside] == new.time
    same = np.isnan(old.value[inside]) & np.isnan(new.value) | (old.value[inside] == new.value)
    keep = np.ones(len(old), dtype=np.bool_)
    keep[inside[known & ~same]] = False
    both = _joined(old.take(keep), new.take(~(known & same)))
    return both.take(np.argsort(both.time, kind="stable")), known, known & ~same


def _joined(a: Columns, b: Columns) -> Columns:
    return Columns(
        np.concatenate((a.time, b.time)),
        np.concatenate((a.value, b.value)),
        np.concatenate((a.flag, b.flag)),
        np.concatenate((a.state, b.state)),
    )
