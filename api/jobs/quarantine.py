"""Uploaded packs in quarantine: nothing in them is used before all of it has been checked.

An archive is measured by its list of contents first and counted again while it is unpacked, since a list can
lie. Files get the names that a pack may have and no others; links are refused.
"""

from __future__ import annotations

import re
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geodata.errors import InvalidInput

_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,120}/){0,6}[A-Za-z0-9.][A-Za-z0-9._-]{0,120}")
_TYPES = {".json", ".parquet", ".md", ".csv", ".txt"}
_CHUNK = 1 << 20


def check(archive: Path, folder: Path, limits: Mapping[str, float]) -> dict[str, Any]:
    """Unpack an archive and hold it to its manifest.

    Args:
        archive: The uploaded zip file.
        folder: Where to unpack it; must not exist.
        limits: ``unpacked_bytes``, ``files``, ``ratio``.

    Returns:
        The city's id, the pack's hash and its datasets.

    Raises:
        InvalidInput: It is no zip file, passes a limit, or is no whole and valid pack.
    """
    from geodata.kinds import kind
    from geodata.pack import open_pack

    unpack(archive, folder, limits)
    pack = open_pack(folder)
    pack.verify()
    for entry in pack.datasets:
        _check_columns(entry.id, set(entry.columns), kind(entry.kind))
    return {
        "city": pack.city.id,
        "hash": pack.hash,
        "datasets": [{"id": entry.id, "kind": entry.kind, "rows": entry.rows} for entry in pack.datasets],
    }


def _check_columns(dataset: str, columns: set[str], kind: Any) -> None:
    known = {column.name for column in kind.columns}
    missing = {column.name for column in kind.columns if column.required} - columns
    if missing or columns - known:
        raise InvalidInput(
            "a dataset does not have the columns of its kind",
            field=dataset,
            value=", ".join(sorted(columns - known)) or None,
            expected=", ".join(sorted(missing or known)),
        )


def unpack(archive: Path, folder: Path, limits: Mapping[str, float]) -> None:
    """Unpack a zip file with every limit held."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            entries = [entry for entry in bundle.infolist() if not entry.is_dir()]
            _check_list(entries, archive.stat().st_size, limits)
            folder.mkdir(parents=True)
            left = int(limits["unpacked_bytes"])
            for entry in entries:
                left -= _extract(bundle, entry, folder, left)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, OSError) as error:
        raise InvalidInput(f"the upload is no whole zip file: {error}", field="body") from error


def _check_list(entries: list[zipfile.ZipInfo], packed: int, limits: Mapping[str, float]) -> None:
    if len(entries) > limits["files"]:
        raise InvalidInput(
            "the archive has too many files", value=len(entries), expected=f"{limits['files']}"
        )
    total = sum(entry.file_size for entry in entries)
    if total > limits["unpacked_bytes"] or total > limits["ratio"] * max(packed, 1):
        raise InvalidInput(
            "the archive unpacks to too much",
            value=f"{total} bytes from {packed}",
            expected=f"at most {limits['unpacked_bytes']:g} bytes and {limits['ratio']:g} times its size",
        )
    names: set[str] = set()
    for entry in entries:
        mode = entry.external_attr >> 16
        plain = not mode or stat.S_IFMT(mode) in (0, stat.S_IFREG)
        name = entry.filename
        parts = name.split("/")
        good = _NAME.fullmatch(name) and not any(part in (".", "..") for part in parts)
        typed = Path(name).suffix in _TYPES or any(part.endswith(".zarr") for part in parts[:-1])
        if not (plain and good and typed) or name.lower() in names:
            raise InvalidInput("the archive holds a file that no pack has", file=name)
        names.add(name.lower())


def _extract(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, left: int) -> int:
    path = folder / entry.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with bundle.open(entry) as packed, path.open("xb") as plain:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > left or size > entry.file_size:
                raise InvalidInput("a file of the archive is larger than it says", file=entry.filename)
            plain.write(chunk)
    return size


def put_in_place(new: Path, place: Path) -> None:
    """Put a checked pack in place of the old one; whoever has the old one open keeps it open."""
    place.parent.mkdir(parents=True, exist_ok=True)
    old = place.with_name(f".{place.name}.{secrets.token_hex(4)}.old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def mend(packs: Path) -> None:
    """Bring back packs whose server was killed while a new one took their place; remove what is left over."""
    for old in packs.glob(".*.old"):
        place = packs / old.name.split(".")[1]
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(place)
