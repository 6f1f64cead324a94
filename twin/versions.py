"""Which code computed a result: versions of the libraries that decide bytes, and digests of our own sources.

A version number tells two releases apart, a digest also two states of a working copy. Both enter the run
hash, so that one hash never stands for two answers.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import geodata
import twin
from twin.pilot import Pilot

LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "geopandas",
    "shapely",
    "xarray",
    "simpy",
    "highspy",
    "pvlib",
)


def versions(pilots: Iterable[Pilot]) -> dict[str, str]:
    """Versions by name: Twinbox, Python, the libraries that models compute with, and each pilot."""
    core = f"{version('twinbox')}+{digest(_folder(twin), _folder(geodata))}"
    named = {"twinbox": core, "python": platform.python_version(), "machine": platform.machine()}
    named |= {library: version(library) for library in LIBRARIES}
    return named | {f"pilot:{pilot.id}": f"{pilot.version}+{digest(_home(pilot))}" for pilot in pilots}


def digest(*folders: Path) -> str:
    """First twelve hexadecimal digits of a hash over the Python sources and tables below folders."""
    sha = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".py", ".toml", ".csv", ".json"} and file.is_file():
                sha.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:12]


def _folder(package: object) -> Path:
    return Path(str(package.__file__)).parent  # type: ignore[attr-defined]


def _home(pilot: Pilot) -> Path:
    """The folder of the package a pilot's class stands in."""
    return Path(str(sys.modules[type(pilot).__module__].__file__)).parent
