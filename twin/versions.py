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
from types import ModuleType

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
    return named | {f"pilot:{pilot.id}": f"{pilot.version}+{digest(sources_of(pilot))}" for pilot in pilots}


def digest(*places: Path) -> str:
    """First twelve hexadecimal digits of a hash over Python sources and tables.

    Args:
        places: Single files, or folders that are searched below.
    """
    sha = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.suffix in {".py", ".toml", ".csv", ".json"} and file.is_file():
                sha.update(file.relative_to(place.parent).as_posix().encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:12]


def sources_of(pilot: Pilot) -> Path:
    """The folder of the package that a pilot's class stands in, or its file if it is in no package."""
    module = type(pilot).__module__
    file = Path(str(sys.modules[module].__file__))
    return file.parent if "." in module else file


def _folder(package: ModuleType) -> Path:
    return Path(str(package.__file__)).parent
