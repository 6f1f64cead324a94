"""What the doctor looks at, one function for each part of the machine."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
    version,
)
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

OWN = "twinbox"
PACKAGES = ("twin", "pilots", "geodata", "api")
FREE_BYTES = 2_000_000_000
"""Below this much free disk a build of all packs may fail half-way."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["fine", "look", "wrong"]
    subject: str
    text: str
    advice: str = ""


def versions() -> Iterator[Finding]:
    """Twinbox, Python and the libraries that decide numbers."""
    from twin.versions import LIBRARIES

    yield Finding(
        "fine", "versions", f"twinbox {version(OWN)}, Python {platform.python_version()} ({sys.executable})"
    )
    yield Finding("fine", "versions", ", ".join(f"{name} {version(name)}" for name in LIBRARIES))


def packages() -> Iterator[Finding]:
    """Whether our four import packages are ours: others on PyPI bring a `geodata` and an `api` as well."""
    own = distribution(OWN)
    source = _editable_source(own)
    claims = packages_distributions()
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            yield Finding(
                "wrong",
                f"package {name}",
                "its __init__.py is missing; another distribution took it along",
                REINSTALL,
            )
            continue
        fault = _foreign(own, source, name, Path(found.origin))
        others = sorted(set(claims.get(name, ())) - {OWN})
        if others:
            text = f"{', '.join(others)} brings a package of the same name"
            yield Finding("wrong", f"package {name}", text, REINSTALL)
        elif fault:
            yield Finding("wrong", f"package {name}", f"{found.origin} {fault}", REINSTALL)
        else:
            yield Finding("fine", f"package {name}", str(Path(found.origin).parent))


REINSTALL = "uninstall the other distribution, then: pip install --force-reinstall --no-deps twinbox"


def _editable_source(own: Distribution) -> Path | None:
    """The working copy that an editable installation points to."""
    told = json.loads(own.read_text("direct_url.json") or "{}")
    if not told.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(told["url"]).path)).resolve()


def _foreign(own: Distribution, source: Path | None, package: str, init: Path) -> str:
    """Why a package's `__init__.py` is not the one of our distribution; empty if it is."""
    if source is not None:
        inside = init.resolve().parent == source / package
        return "" if inside else f"is not below the working copy {source}"
    for file in own.files or ():
        if file.as_posix() == f"{package}/__init__.py":
            if Path(str(file.locate())).resolve() != init.resolve():
                return f"is not the installed one, {file.locate()}"
            if file.hash is not None and file.hash.value != _record_hash(init):
                return "was overwritten: it differs from what was installed"
            return ""
    return "is not among the files of the distribution twinbox"


def _record_hash(path: Path) -> str:
    """A file's SHA-256 as RECORD files write it."""
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def extras() -> Iterator[Finding]:
    """Whether the libraries of each extra are installed."""
    required: dict[str, list[str]] = {}
    for line in distribution(OWN).requires or ():
        marked = re.search(r"extra == ['\"]([^'\"]+)['\"]", line)
        if marked:
            required.setdefault(marked[1], []).append(re.split(r"[^\w.-]", line, maxsplit=1)[0])
    for extra, names in sorted(required.items()):
        missing = [name for name in names if not _installed(name)]
        if missing:
            text, advice = "not installed: " + ", ".join(missing), f"pip install 'twinbox[{extra}]'"
            yield Finding("look", f"extra {extra}", text, advice)
        else:
            yield Finding("fine", f"extra {extra}", ", ".join(names))


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def time_zones() -> Iterator[Finding]:
    """Whether the time zones of all cities are known to this machine."""
    from geodata.city import known_cities

    cities = known_cities()
    yield Finding("fine", "cities", f"{len(cities)} recipes, time zones known: {', '.join(cities)}")


def home_folder() -> Iterator[Finding]:
    """Whether Twinbox's home can be written and has room."""
    from geodata.home import home

    folder = home()
    chosen = (
        "TWINBOX_HOME" if os.environ.get("TWINBOX_HOME") else "the platform's folder; TWINBOX_HOME changes it"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"twinbox")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding(
            "wrong", "home", f"{folder} ({chosen}): {error.strerror}", "set TWINBOX_HOME to another folder"
        )
        return
    state: Literal["fine", "look"] = "fine" if free >= FREE_BYTES else "look"
    yield Finding(
        state,
        "home",
        f"{folder} ({chosen}), {free / 1e9:,.1f} GB free",
        "" if state == "fine" else "make room",
    )


def packs() -> Iterator[Finding]:
    """Whether every built pack's files are those that its manifest lists."""
    from geodata.errors import TwinboxError
    from geodata.home import packs_home
    from geodata.pack import MANIFEST, open_pack

    folders = sorted(path.parent for path in packs_home().glob(f"*/{MANIFEST}"))
    for folder in folders:
        try:
            pack = open_pack(folder)
            pack.verify()
        except TwinboxError as error:
            yield Finding("wrong", f"pack {folder.name}", str(error), f"twinbox pack build {folder.name}")
            continue
        kind = "synthetic demo data" if pack.demo else "built"
        yield Finding(
            "fine", f"pack {folder.name}", f"{kind}, {len(pack.datasets)} datasets, hash {pack.hash[:12]}"
        )
    if not folders:
        yield Finding(
            "look", "packs", "no pack is built; runs use demo packs", "twinbox pack build CITY --sources DIR"
        )


def store() -> Iterator[Finding]:
    """Bring the store in order after killed processes, and hold every run's files against its record."""
    from geodata.errors import TwinboxError
    from twin.result import verify
    from twin.store import RunStore

    try:
        kept = RunStore()
    except OSError as error:
        yield Finding("wrong", "store", str(error), "set TWINBOX_HOME to a folder that can be written")
        return
    runs = kept.runs()
    for text in kept.recovered:
        yield Finding("look", "store", text)
    damaged = 0
    for run in runs:
        try:
            verify(kept.folder / run.run_id)
        except TwinboxError as error:
            damaged += 1
            yield Finding("wrong", "store", str(error), "remove the run's folder and run it again")
    yield Finding("fine", "store", f"{len(runs) - damaged} of {len(runs)} runs intact in {kept.folder}")


def plug_ins() -> Iterator[Finding]:
    """Which pilots can be used."""
    from twin.plugins import survey

    for item in survey():
        if item.state == "loaded":
            yield Finding("fine", f"pilot {item.id}", f"{item.title}, {item.distribution} {item.version}")
        else:
            advice = f"tell the authors of {item.distribution}, or uninstall it"
            yield Finding("look", f"pilot {item.id}", f"refused: {item.reason}", advice)


STEPS: Sequence[Callable[[], Iterator[Finding]]] = (
    versions, packages, extras, time_zones, home_folder, packs, store, plug_ins,
)  # fmt: skip
