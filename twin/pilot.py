"""The contract of a plug-in pilot: what it needs, what it reads and writes, what it reports.

A pilot is to Twinbox what a machine is to a workshop: it says which current it takes, which parts go in and
which come out, and the workshop sees to the rest. `docs/pilot-contract.md` is the guide for those who write
one; everything they need is importable from here.

Example: see `docs/examples/street_lamps/`, a complete pilot in eighty lines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from geodata.errors import InvalidInput
from geodata.manifest import Grade
from twin.programme import Domain

if TYPE_CHECKING:
    from pathlib import Path

    import simpy
    import xarray as xr
    from matplotlib.figure import Figure

    from twin.packs import PackView
    from twin.result import Result
    from twin.world import World

__all__ = [
    "CONTRACT",
    "CityModel",
    "Domain",
    "Estimate",
    "InputFile",
    "Kpi",
    "Need",
    "Pilot",
    "Scenario",
    "Setting",
    "Signal",
    "quantity",
    "settings",
]

CONTRACT = 1
"""The version of the contract that this Twinbox speaks."""

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Need:
    """A kind of dataset that a pilot reads from each city's pack.

    Args:
        kind: Kind of dataset.
        why: What the pilot does with it, for the readiness report.
        columns: Columns that must be there and hold at least one value.
        least: Worst grade the pilot accepts.
        optional: Whether it can do without (and says so in its results).
        instead: Kinds any of which serves if this one is absent.
    """

    kind: str
    why: str
    columns: tuple[str, ...] = ()
    least: Grade = Grade.SYNTHETIC
    optional: bool = False
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signal:
    """A quantity that one model writes for a window of time and others read.

    Args:
        id: Its name, the same for writer and readers, e.g. ``school_electric_power``.
        unit: Unit; reader and writer must declare the same.
        description: What it means.
        dims: Name of the labelled dimension (e.g. ``("school_id",)``), or empty for one number a city.
        lag: Readers only: how many windows back the value is from. A cycle needs a lag somewhere.
        initial: Readers only: the value before the first one is written; needed with a lag.
        hold: Writers only: the value stays valid until the next is written.
        required: Readers only: whether a run without a writer of it is refused.
    """

    id: str
    unit: str
    description: str = ""
    dims: tuple[str, ...] = ()
    lag: int = 0
    initial: float | None = None
    hold: bool = False
    required: bool = False


@dataclass(frozen=True)
class Kpi:
    """A key performance indicator: one number a city, comparable between cities.

    Args:
        id: Its name, as the field's literature has it.
        title: A few words for tables.
        unit: Unit.
        better: Which way is better.
        definition: How it is computed, precisely enough to be computed again.
        source: Standard, paper or programme that defines it.
        share: Whether it is a share of a whole, whose interval stays between 0 and the whole.
    """

    id: str
    title: str
    unit: str
    better: Better
    definition: str
    source: str
    share: bool = False

    @property
    def whole(self) -> float | None:
        """What a share can be at most: 100 where it is told in per cent, else 1; None for other numbers."""
        if not self.share:
            return None
        return 100.0 if self.unit == "%" else 1.0


@dataclass(frozen=True)
class InputFile:
    """A file of the user's own that a field of the scenario names: last year's bookings, a survey.

    Args:
        field: The scenario's field that takes the file's name.
        folder: Folder of Twinbox's home in which such files stand.
        media: Its media type, for those who upload it.
        suffix: How its name ends.
        description: What it holds.
    """

    field: str
    folder: str
    media: str
    suffix: str
    description: str


class Estimate(NamedTuple):
    """A KPI's value with the interval that the model itself gives, e.g. P10 to P90."""

    value: float
    low: float
    high: float


class Scenario(BaseModel):
    """What a planner may set for a pilot. Declare every field with :func:`quantity` or pydantic's ``Field``.

    Every field has a default, a description and, if it is a number, a unit and bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def quantity(default: float, unit: str, low: float, high: float, description: str) -> Any:
    """A numeric field of a scenario.

    Args:
        default: Its default.
        unit: Its unit, shown to planners.
        low: Least value allowed.
        high: Greatest value allowed.
        description: What it sets, in one sentence.
    """
    return Field(default=default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


class Setting(NamedTuple):
    """A field of a scenario as a planner reads of it."""

    name: str
    default: Any
    unit: str
    allowed: str
    description: str


def settings(scenario: type[Scenario]) -> tuple[Setting, ...]:
    """What can be set in a scenario, in the order of its declaration."""
    document = scenario.model_json_schema()
    return tuple(
        Setting(
            name,
            value.get("default"),
            value.get("unit", ""),
            _allowed(value, document.get("$defs", {})),
            value.get("description", ""),
        )
        for name, value in document["properties"].items()
    )


def _allowed(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The values that a field of a JSON schema takes, in words."""
    if "$ref" in value:
        value = definitions[value["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in value:
        return " or ".join(_allowed(option, definitions) for option in value["anyOf"])
    if "enum" in value:
        return ", ".join(map(str, value["enum"]))
    if "const" in value:
        return str(value["const"])
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f"{low:,g} to {high:,g}"
    names = {
        "array": "a list",
        "boolean": "true, false",
        "object": "a table",
        "string": "text",
        "null": "nothing",
    }
    kind = str(value.get("type", "any"))
    return names.get(kind, kind)


class CityModel(ABC):
    """The model of one city within one run."""

    @abstractmethod
    def run(self) -> Generator[simpy.Event, Any, Any]:
        """The model's life as a SimPy process, from the start of the run to its end."""

    @abstractmethod
    def data(self) -> xr.Dataset:
        """What was simulated: every variable with attribute ``units``; dimensions named as CF names them."""

    @abstractmethod
    def kpis(self) -> Mapping[str, float | Estimate]:
        """The value of every KPI that the pilot declares; NaN where it cannot be given."""

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """Pairs of totals that must be equal, by what is conserved: requests, energy, trees.

        Example: ``{"requests": (asked, served + refused)}``. A run whose balance does not close fails.
        """
        return {}


class Pilot(ABC):
    """A plug-in. Subclass it, set the class variables, and name it in the entry points ``twin.pilots``."""

    id: ClassVar[str]
    title: ClassVar[str]
    titles: ClassVar[Mapping[str, str]] = {}
    domain: ClassVar[Domain]
    version: ClassVar[str]
    contract: ClassVar[int] = CONTRACT

    needs: ClassVar[tuple[Need, ...]] = ()
    reads: ClassVar[tuple[Signal, ...]] = ()
    writes: ClassVar[tuple[Signal, ...]] = ()
    kpis: ClassVar[tuple[Kpi, ...]] = ()
    Scenario: ClassVar[type[Scenario]]
    files: ClassVar[tuple[InputFile, ...]] = ()
    """Files of the user's own that the scenario may name."""

    start: ClassVar[str] = "2026-03-02"
    """First day of a run when the user names none; a Monday."""
    days: ClassVar[int] = 1
    """Length of a run when the user names none."""
    window_s: ClassVar[int] = 900
    """Length of the coupling window; all models of a run share the shortest."""
    replications: ClassVar[int] = 1
    """How often a run is repeated with other random numbers when the user does not say."""
    frontiers: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of KPIs that a sweep draws against one another; the first two with a better direction if none."""
    separable: ClassVar[bool] = False
    """Whether the cities' models talk only through signals, so that each can run on its own node."""

    @abstractmethod
    def build(self, packs: Mapping[str, PackView], scenario: Any, world: World) -> Mapping[str, CityModel]:
        """Make the model of each city.

        Args:
            packs: The pack of each city, by city id; only declared kinds can be read.
            scenario: The validated scenario, an instance of the class's ``Scenario``.
            world: Clock, random streams and signals.
        """

    def check_file(self, field: str, file: Path) -> Mapping[str, Any]:
        """Read a file of :attr:`files` to its end, as a run would, before a server keeps it.

        Args:
            field: The scenario's field that is to name it.
            file: The file.

        Returns:
            What its sender is told of it, e.g. how many rows it has.

        Raises:
            InvalidInput: It cannot be read; row, field and value are named.
        """
        raise InvalidInput(f"{self.id} does not check files", file=file.name, field=field)

    def charts(self, result: Result) -> Mapping[str, Figure]:  # noqa: ARG002 - a hook
        """Charts of a result beyond the general ones, by file name without suffix."""
        return {}
