"""Opening what somebody else wrote: missing, empty and enormous files, and archives that are traps.

A zip archive of 40 kB can unpack to terabytes, and a member called ``../../.bashrc`` can land anywhere. So an
archive's sizes are added up before it is opened, and its bytes are counted while it is unpacked.
"""

from __future__ import annotations

import fnmatch
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from geodata.errors import UnreadableSource

MEGABYTE = 1_000_000
MOST_MEMBERS = 10_000
MOST_RATIO = 200
SMALL_MB = 50.0


def check_file(path: Path, max_mb: float) -> None:
    """Refuse a file that is missing, empty or larger than the recipe allows.

    Raises:
        UnreadableSource: It is one of these.
    """
    if not path.exists():
        raise UnreadableSource(
            "the source file is not there", file=path, hint="twinbox pack fetch CITY downloads public sources"
        )
    if path.is_dir():
        raise UnreadableSource("a file is expected here, not a folder", file=path)
    size = path.stat().st_size
    if size == 0:
        raise UnreadableSource("the source file is empty", file=path)
    if size > max_mb * MEGABYTE:
        raise UnreadableSource(
            "the source file is larger than the recipe allows",
            file=path,
            field="max_mb",
            value=f"{size / MEGABYTE:.1f} MB",
            expected=f"at most {max_mb:g} MB",
            hint="raise max_mb of this source in the recipe if the size is right",
        )


@contextmanager
def opened(path: Path, member: str | None, max_mb: float, *, folder: bool = False) -> Iterator[Path]:
    """A file that can be read: itself, or what is inside it if it is an archive.

    Args:
        path: The file.
        member: File name or pattern inside the archive.
        max_mb: Greatest size, unpacked.
        folder: Whether the reader wants the folder rather than a file of it.

    Yields:
        The file (or folder) to read; what was unpacked is removed afterwards.
    """
    check_file(path, max_mb)
    if path.suffix == ".zip":
        with _unpacked_zip(path, member, max_mb, folder=folder) as found:
            yield found
    elif path.suffix == ".gz":
        with tempfile.TemporaryDirectory(prefix="twinbox-") as temporary:
            target = Path(temporary) / path.stem
            with gzip.open(path) as packed:
                _copy(packed, target, _allowance(path, max_mb), path)
            yield target
    else:
        yield path.parent if folder else path


@contextmanager
def _unpacked_zip(path: Path, member: str | None, max_mb: float, *, folder: bool) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="twinbox-") as temporary:
        root = Path(temporary)
        try:
            with zipfile.ZipFile(path) as archive:
                _unpack(archive, _chosen(archive, path, member, folder=folder), root, path, max_mb)
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            raise UnreadableSource(f"the zip archive is damaged: {error}", file=path) from error
        yield _folder_of(root) if folder else _main_file(root, path, member)


def _chosen(
    archive: zipfile.ZipFile, path: Path, member: str | None, *, folder: bool
) -> list[zipfile.ZipInfo]:
    """The members to unpack: all, or those that share the wanted member's name but for the suffix."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) > MOST_MEMBERS:
        raise UnreadableSource(
            "the zip archive holds too many files",
            file=path,
            value=len(files),
            expected=f"at most {MOST_MEMBERS}",
        )
    if folder or member is None:
        return files
    wanted = [info for info in files if _fits(info.filename, member)]
    if not wanted:
        names = ", ".join(info.filename for info in files[:8])
        raise UnreadableSource(
            "the zip archive holds no such file",
            file=path,
            field="member",
            value=member,
            expected=f"one of {names}",
        )
    stem = wanted[0].filename.rsplit(".", 1)[0]
    return [info for info in files if info.filename.rsplit(".", 1)[0] == stem]


def _fits(name: str, member: str) -> bool:
    return fnmatch.fnmatchcase(name, member) or fnmatch.fnmatchcase(PurePosixPath(name).name, member)


def _unpack(
    archive: zipfile.ZipFile, files: list[zipfile.ZipInfo], root: Path, path: Path, max_mb: float
) -> None:
    left = _allowance(path, max_mb)
    if sum(info.file_size for info in files) > left:
        _refuse_bomb(path, left)
    for info in files:
        target = (root / info.filename).resolve()
        if not target.is_relative_to(root.resolve()):
            raise UnreadableSource(
                "the zip archive holds a file that leaves its folder", file=path, value=info.filename
            )
        if info.flag_bits & 0x1:
            raise UnreadableSource("the zip archive is encrypted", file=path, value=info.filename)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as packed:
            left -= _copy(packed, target, left, path)


def _allowance(path: Path, max_mb: float) -> int:
    """How many bytes an archive may unpack to."""
    ratio = max(SMALL_MB * MEGABYTE, MOST_RATIO * path.stat().st_size)
    return int(min(max_mb * MEGABYTE, ratio))


def _copy(packed: IO[bytes] | gzip.GzipFile, target: Path, most: int, path: Path) -> int:
    """Unpack one file, counting its bytes whatever its header claims."""
    written = 0
    try:
        with target.open("wb") as stream:
            while block := packed.read(1 << 20):
                written += len(block)
                if written > most:
                    _refuse_bomb(path, most)
                stream.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise UnreadableSource(f"the archive is damaged or truncated: {error}", file=path) from error
    return written


def _refuse_bomb(path: Path, most: int) -> None:
    raise UnreadableSource(
        "the archive unpacks to more than is allowed",
        file=path,
        expected=f"at most {most / MEGABYTE:.0f} MB",
        hint="a sound archive that is this large can be unpacked by hand and named in the recipe",
    )


def _folder_of(root: Path) -> Path:
    """The folder that holds the files, where an archive wraps them in one."""
    inside = list(root.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else root


def _main_file(root: Path, path: Path, member: str | None) -> Path:
    files = sorted(file for file in root.rglob("*") if file.is_file())
    shapes = [file for file in files if file.suffix == ".shp"]
    fitting = [file for file in files if member and _fits(file.relative_to(root).as_posix(), member)]
    choice = fitting or (shapes or files)
    if len(choice) != 1:
        names = ", ".join(file.relative_to(root).as_posix() for file in choice[:8])
        raise UnreadableSource(
            "the archive holds several files", file=path, field="member", expected=f"one of {names}"
        )
    return choice[0]


def free_space(folder: Path) -> int:
    """Bytes free on the disk of a folder or of the nearest folder above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
