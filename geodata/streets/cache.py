"""Matrices kept on disk under the hash of what they were computed from.

Each set is a folder that appears whole, by one rename; it is read through the system's page cache, so that
a dozen processes of a sweep share one copy. The oldest are removed when the folder outgrows its limit.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.atomic import new_folder, sweep

DEFAULT_LIMIT_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class MatrixCache:
    """A folder of matrix sets.

    Args:
        folder: Where they stand; made when first written to.
        limit_bytes: How much they may take together; the set just written always stays.
    """

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def get(
        self,
        key: str,
        names: Sequence[str],
        shape: tuple[int, int],
        fill: Callable[..., None],
    ) -> tuple[NDArray[np.float32], ...]:
        """The matrices of a key, computed straight into files if they are not there.

        Args:
            key: Hash of all that the matrices depend on.
            names: What they are called.
            shape: Their shape.
            fill: Called with the empty matrices, in the order of their names.
        """
        home = self.folder / key
        found = self._read(home, names, shape)
        if found is None:
            self._write(home, names, shape, fill)
            found = self._read(home, names, shape)
            assert found is not None, "matrices were written and cannot be read"
            self._sweep(keep=home)
        return found

    def _read(
        self, home: Path, names: Sequence[str], shape: tuple[int, int]
    ) -> tuple[NDArray[np.float32], ...] | None:
        try:
            matrices = tuple(np.load(home / f"{name}.npy", mmap_mode="r") for name in names)
            os.utime(home)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError):
            # Not ours, or cut short by a full disk: it is computed again.
            shutil.rmtree(home, ignore_errors=True)
            return None
        assert all(matrix.shape == shape for matrix in matrices), "two matrices under one hash"
        return matrices

    def _write(
        self, home: Path, names: Sequence[str], shape: tuple[int, int], fill: Callable[..., None]
    ) -> None:
        # Another process may be faster with the same matrices: then its are as good as ours.
        with suppress(FileExistsError), new_folder(home) as partial:
            matrices = [_empty(partial / f"{name}.npy", shape) for name in names]
            fill(*matrices)
            for matrix in matrices:
                matrix.flush()

    def _sweep(self, keep: Path) -> None:
        sweep(self.folder)
        sets = []
        for path in self.folder.iterdir():
            if path.name.startswith("."):
                continue
            try:
                size = sum(file.stat().st_size for file in path.iterdir())
                sets.append((path == keep, path.stat().st_mtime, size, path))
            except FileNotFoundError:
                continue  # Another process swept it, or has just published it.
        total = 0
        for kept, _, size, path in sorted(sets, reverse=True):
            total += size
            if total > self.limit_bytes and not kept:
                shutil.rmtree(path, ignore_errors=True)


def _empty(path: Path, shape: tuple[int, int]) -> np.memmap[Any, np.dtype[np.float32]]:
    """A matrix in a file whose room on the disk is taken at once.

    Without that, a disk that fills up while the matrix is written kills the process.

    Raises:
        OSError: The disk has no room.
    """
    matrix: np.memmap[Any, np.dtype[np.float32]] = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=shape
    )
    if hasattr(os, "posix_fallocate"):  # not on macOS and Windows
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error
    return matrix
