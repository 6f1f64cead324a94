"""Fetch a recipe's source files: from a mirror folder, from a base address, or from where they are published.

A download that breaks off goes on where it stopped, a file takes its name only when all its bytes are there
and their checksum is right, and what has no public address is listed with what to do about it. Like a
shopping list that is worked off shop by shop: what is in the cupboard is not bought again, what could not
be had is written down.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geodata.atomic import flush, partial_name
from geodata.ingredients import Companion, SourceFile
from geodata.pack import hash_of
from geodata.readers.guard import MEGABYTE, free_space
from geodata.recipe import Recipe

State = Literal["present", "copied", "downloaded", "by hand", "failed"]
Progress = Callable[[str, int, int | None], None]

ATTEMPTS = 5
TIMEOUT_S = 30.0
_BLOCK = 1 << 18
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 451})


@dataclass(frozen=True)
class Fetched:
    """What became of one file.

    Args:
        path: Its path below the sources folder.
        state: ``present``, ``copied`` from the mirror, ``downloaded``, ``by hand`` (it has no public
            address), or ``failed``.
        bytes: Its size, 0 if it is not there.
        note: What went wrong, or what to do.
    """

    path: str
    state: State
    bytes: int = 0
    note: str = ""


@dataclass(frozen=True)
class FetchReport:
    """What became of a recipe's files."""

    files: tuple[Fetched, ...]

    @property
    def complete(self) -> bool:
        """Whether every file is there."""
        return not self.missing

    @property
    def missing(self) -> tuple[Fetched, ...]:
        """The files that are not there, and why."""
        return tuple(item for item in self.files if item.state in {"by hand", "failed"})


class _Refused(Exception):
    """A download that another attempt would not help."""


def fetch_sources(
    recipe: Recipe,
    folder: Path,
    base_url: str | None = None,
    mirror: Path | None = None,
    progress: Progress | None = None,
    *,
    pause_s: float = 1.0,
) -> FetchReport:
    """Bring a recipe's source files together in a folder.

    Args:
        recipe: The recipe.
        folder: Where they are to stand, below their paths.
        base_url: An address below which all files stand by their paths; asked instead of their own addresses.
        mirror: A folder in which files stand by their paths; looked into before anything is downloaded.
        progress: Told the file's path, its bytes so far, and its size where known.
        pause_s: Seconds before a second attempt; doubled before each further one.

    Returns:
        What became of each file. A file that could not be had does not keep the others from coming.
    """
    errand = _Errand(folder, base_url, mirror, progress or _silent, pause_s)
    items = [(item, source) for source in recipe.sources.values() for item in (source, *source.companions)]
    return FetchReport(tuple(errand.fetch(item, source) for item, source in items))


def _silent(path: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class _Errand:
    """Where files come from and where they go; see :func:`fetch_sources`."""

    folder: Path
    base_url: str | None
    mirror: Path | None
    progress: Progress
    pause_s: float

    def fetch(self, item: Companion, source: SourceFile) -> Fetched:
        """Get one file by the nearest way."""
        target = self.folder / item.path
        if target.is_file() and (item.sha256 is None or hash_of(target) == item.sha256):
            return Fetched(item.path, "present", target.stat().st_size)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.mirror is not None and (self.mirror / item.path).is_file():
            return _copied(item, self.mirror / item.path, target)
        url = _address(self.base_url, item)
        if url is None:
            return Fetched(item.path, "by hand", note=source.get or "The recipe names no public address.")
        try:
            size = self._download(_Download(url, target, item, source.max_mb, self.progress))
        except _Refused as error:
            return Fetched(item.path, "failed", note=f"{url}: {error}")
        return Fetched(item.path, "downloaded", size)

    def _download(self, download: _Download) -> int:
        """Try until the file is whole; what came of it stays for the next time, unless its sum is wrong.

        Raises:
            _Refused: It cannot be had.
        """
        trouble = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self.pause_s * 2 ** (attempt - 1))
            resumed = download.partial.exists()
            try:
                download.receive()
            except urllib.error.HTTPError as error:
                trouble = f"the server answers {error.code} {error.reason}"
                if error.code in _FINAL:
                    raise _Refused(trouble) from error
                continue
            except (OSError, http.client.HTTPException) as error:
                trouble = f"the connection broke: {error or type(error).__name__}"
                continue
            expected, found = download.item.sha256, hash_of(download.partial)
            if expected is None or found == expected:
                return download.finish()
            trouble = _wrong_sum("the file", found, expected)
            download.forget()
            if not resumed:
                break
        raise _Refused(trouble)


def _address(base_url: str | None, item: Companion) -> str | None:
    if base_url is None:
        return item.url
    return base_url.rstrip("/") + "/" + urllib.parse.quote(item.path)


def _copied(item: Companion, origin: Path, target: Path) -> Fetched:
    if item.sha256 is not None and (found := hash_of(origin)) != item.sha256:
        return Fetched(item.path, "failed", note=_wrong_sum(f"the mirror's {origin}", found, item.sha256))
    partial = partial_name(target)
    try:
        shutil.copyfile(origin, partial)
        flush(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return Fetched(item.path, "copied", target.stat().st_size)


def _wrong_sum(named: str, found: str, expected: str) -> str:
    return f"{named} has the checksum {found[:16]}..., expected {expected[:16]}..."


@dataclass(frozen=True)
class _Download:
    """A download to a hidden file beside its target, which goes on where it broke off."""

    url: str
    target: Path
    item: Companion
    max_mb: float
    progress: Progress

    @property
    def partial(self) -> Path:
        """The bytes so far."""
        return self.target.with_name(f".{self.target.name}.download")

    @property
    def version(self) -> Path:
        """Where it is written which version of the file they are of."""
        return self.target.with_name(f".{self.target.name}.version")

    def forget(self) -> None:
        """Begin anew next time."""
        self.partial.unlink(missing_ok=True)
        self.version.unlink(missing_ok=True)

    def finish(self) -> int:
        """Give the file its name; returns its size."""
        flush(self.partial)
        self.partial.replace(self.target)
        self.forget()
        return self.target.stat().st_size

    def receive(self) -> None:
        """Make one attempt: ask for what is missing and append it.

        Raises:
            _Refused: The file is larger than the recipe or the disk allows, or the address is not of the web.
            OSError: The connection failed.
            http.client.HTTPException: It broke off, or the server sent less than it promised.
        """
        if urllib.parse.urlsplit(self.url).scheme not in {"http", "https"}:
            raise _Refused("only http and https addresses are fetched")
        done = self.partial.stat().st_size if self.partial.exists() else 0
        try:
            answer = _opener().open(self._request(done), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.forget()
            raise
        with contextlib.closing(answer):
            goes_on = answer.status == http.client.PARTIAL_CONTENT and _begins_at(answer, done)
            self._append(answer, done if goes_on else 0)

    def _request(self, done: int) -> urllib.request.Request:
        headers = {"User-Agent": "twinbox", "Accept-Encoding": "identity"}
        version = self.version.read_text(encoding="ascii") if self.version.exists() else ""
        if done and version:
            headers |= {"Range": f"bytes={done}-", "If-Range": version}
        return urllib.request.Request(self.url, headers=headers)  # noqa: S310

    def _append(self, answer: Any, done: int) -> None:
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        if total is not None and total > self.max_mb * MEGABYTE:
            raise _Refused(f"the file has {total / MEGABYTE:.0f} MB, the recipe allows {self.max_mb:g} MB")
        if total is not None and total - done > free_space(self.target.parent):
            raise _Refused(f"the disk has no room for {(total - done) / MEGABYTE:.0f} MB")
        self.version.write_text(_version_of(answer), encoding="ascii")
        with self.partial.open("ab" if done else "wb") as stream:
            while block := answer.read(_BLOCK):
                done += len(block)
                if done > self.max_mb * MEGABYTE:
                    raise _Refused(f"the file is larger than the {self.max_mb:g} MB that the recipe allows")
                stream.write(block)
                self.progress(self.item.path, done, total)
        if total is not None and done < total:
            raise http.client.IncompleteRead(b"", total - done)


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https and nothing else: an address cannot lead to a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


def _begins_at(answer: Any, done: int) -> bool:
    """Whether a partial answer begins where the bytes so far end."""
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {done}-")


def _version_of(answer: Any) -> str:
    """A strong validator of the file's version, or nothing."""
    tag = str(answer.headers.get("ETag", ""))
    if tag and not tag.startswith("W/") and tag.isascii():
        return tag
    modified = str(answer.headers.get("Last-Modified", ""))
    return modified if modified.isascii() else ""
