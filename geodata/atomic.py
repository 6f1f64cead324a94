"""Write files and folders so that they are there whole or not at all.

Everything is written under a hidden name beside its place and takes its name in one rename, after the system
was asked to put its bytes on the disk. Whatever a killed process left behind is told by its name.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = ".part"


def partial_name(path: Path) -> Path:
    """A hidden name beside a path that nothing else uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex}{SUFFIX}")


def write_text(path: Path, text: str) -> None:
    """Write a text file, replacing the one that stands there in one step."""
    partial = partial_name(path)
    try:
        partial.write_text(text, encoding="utf-8")
        flush(partial)
        partial.replace(path)
        flush(path.parent, deep=False)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes its name when the block ends without an error.

    Raises:
        FileExistsError: The path is taken by a folder that is not empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    partial.mkdir()
    try:
        yield partial
        flush(partial)
        _take_name(partial, path)
        flush(path.parent, deep=False)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _take_name(partial: Path, path: Path) -> None:
    try:
        partial.rename(path)
    except OSError as error:
        # Systems differ in what they call a folder that is in the way.
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
            raise FileExistsError(error.errno, "a folder that is not empty stands here", str(path)) from error
        raise


def sweep(folder: Path) -> list[str]:
    """Remove what processes that are no longer alive left half-written; returns the names removed."""
    removed = []
    for item in sorted(folder.glob(f".*{SUFFIX}")):
        parts = item.name.split(".")
        pid = parts[-3] if len(parts) > 3 else ""  # .NAME.PID.UUID.part
        if pid.isdigit() and not _alive(int(pid)):
            remove(item)
            removed.append(item.name)
    return removed


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path, *, deep: bool = True) -> None:
    """Ask the system to put a file, or a folder and with ``deep`` all below it, on the disk."""
    for item in [*(path.rglob("*") if deep and path.is_dir() else ()), path]:
        descriptor = os.open(item, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
