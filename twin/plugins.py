"""Find the pilots that are installed, load the one that is asked for, and say why another cannot be.

Discovery reads names only: nothing is imported before it is needed, so a plug-in that is broken, slow or
crashes on import harms nobody who does not ask for it. `survey` tries each one in a process of its own and
tells what happened.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

from geodata.errors import UnknownName
from twin.errors import PluginRefused
from twin.pilot import CONTRACT, Pilot

GROUP = "twin.pilots"
OWN = "twinbox"


@dataclass(frozen=True)
class Found:
    """A plug-in that is installed, loaded or not.

    ``reason`` says why it cannot be used, empty if it can.
    """

    id: str
    distribution: str
    version: str
    object: str
    reason: str = ""


@dataclass(frozen=True)
class Surveyed:
    """A plug-in after an attempt to load it in a process of its own."""

    id: str
    distribution: str
    version: str
    state: Literal["loaded", "refused"]
    reason: str = ""
    title: str = ""
    domain: str = ""


def found() -> tuple[Found, ...]:
    """All plug-ins by id, Twinbox's own before others of the same id; nothing is imported."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, _distribution(point) != OWN))
    by_name: dict[str, list[EntryPoint]] = {}
    for point in points:
        same = by_name.setdefault(point.name, [])
        if all((point.value, _distribution(point)) != (p.value, _distribution(p)) for p in same):
            same.append(point)
    return tuple(_describe(point, by_name[point.name]) for name in by_name for point in by_name[name])


def _describe(point: EntryPoint, same: Sequence[EntryPoint]) -> Found:
    reason = ""
    others = [_distribution(other) for other in same if other is not point]
    if others and not (point is same[0] and _distribution(point) == OWN):
        reason = f"another distribution ({', '.join(others)}) offers a pilot of the same id"
    version = point.dist.version if point.dist else ""
    return Found(point.name, _distribution(point), version, point.value, reason)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def load(pilot_id: str) -> Pilot:
    """The pilot of this id, imported and checked.

    Raises:
        UnknownName: No plug-in of this id is installed.
        PluginRefused: It is installed but cannot be imported or breaks the contract.
    """
    candidates = [plugin for plugin in found() if plugin.id == pilot_id]
    if not candidates:
        names = sorted({plugin.id for plugin in found()})
        raise UnknownName(
            "no pilot is called this",
            field="pilot",
            value=pilot_id,
            expected="one of " + ", ".join(names),
            hint="twinbox pilots --why lists what is installed",
        )
    plugin = candidates[0]
    if plugin.reason:
        raise PluginRefused(f"the pilot {pilot_id} of {plugin.distribution} is refused: {plugin.reason}")
    return _check(plugin, _import(plugin))


def _import(plugin: Found) -> object:
    point = EntryPoint(plugin.id, plugin.object, GROUP)
    try:
        return point.load()
    except Exception as error:
        raise PluginRefused(
            f"the pilot {plugin.id} of {plugin.distribution} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def _check(plugin: Found, candidate: object) -> Pilot:
    def refuse(reason: str) -> PluginRefused:
        return PluginRefused(f"the pilot {plugin.id} of {plugin.distribution} is refused: {reason}")

    if not (isinstance(candidate, type) and issubclass(candidate, Pilot)):
        raise refuse(f"{plugin.object} is not a subclass of twin.pilot.Pilot")
    for name in ("id", "title", "domain", "version", "Scenario"):
        if not hasattr(candidate, name):
            raise refuse(f"the class variable {name} is not set")
    if candidate.id != plugin.id:
        raise refuse(f"its id is {candidate.id!r}, its entry point is named {plugin.id!r}")
    if candidate.contract != CONTRACT:
        raise refuse(f"it is written for contract {candidate.contract}, this Twinbox speaks {CONTRACT}")
    try:
        return candidate()
    except Exception as error:
        raise refuse(f"it cannot be made: {type(error).__name__}: {error}") from error


def survey(time_limit_s: float = 60.0, workers: int = 2) -> tuple[Surveyed, ...]:
    """Try every installed plug-in, each in a process of its own, and say what came of it.

    Args:
        time_limit_s: How long an import may take before it is given up.
        workers: How many are tried at once.
    """
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(lambda plugin: _probe(plugin, time_limit_s), found()))


_PROBE = "import sys; from twin.plugins import probe; probe(sys.argv[1])"


def probe(pilot_id: str) -> None:
    """Load one pilot and print what it is as JSON; the other end of :func:`survey`."""
    pilot = load(pilot_id)
    sys.stdout.write("\n" + json.dumps({"title": pilot.title, "domain": str(pilot.domain)}))


def _probe(plugin: Found, time_limit_s: float) -> Surveyed:
    def refused(reason: str) -> Surveyed:
        return Surveyed(plugin.id, plugin.distribution, plugin.version, "refused", reason)

    if plugin.reason:
        return refused(plugin.reason)
    try:
        # -P keeps the current folder out of the path: a folder named `twin` there must not be imported.
        done = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-P", "-c", _PROBE, plugin.id],
            capture_output=True,
            text=True,
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return refused(f"importing it took longer than {time_limit_s:g} s")
    if done.returncode < 0:
        return refused(f"importing it crashed the process ({signal.Signals(-done.returncode).name})")
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        errors = done.stderr.strip().splitlines()
        last = errors[-1] if errors else f"the process ended with exit code {done.returncode} and no result"
        return refused(last.partition("PluginRefused: ")[2] or last)
    told = json.loads(lines[-1])
    return Surveyed(
        plugin.id, plugin.distribution, plugin.version, "loaded", "", told["title"], told["domain"]
    )
