"""Running a site step by step under a controller that knows only what has been.

Every controller answers one question, at each step: how much should the battery draw? The bus then does the
rest by merit order, so that no decision can overfill the battery, break a limit or leave energy unaccounted
for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.bus import conditions
from pilots.microgrid.charging import Charging
from pilots.microgrid.checks import check, noted
from pilots.microgrid.forecast import Observed
from pilots.microgrid.optimum import optimum
from pilots.microgrid.schedule import Schedule, scheduled
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import IMPORT_LIMIT, LOAD, RENEWABLE
from pilots.microgrid.tariff import import_price, known_until

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Record:
    """What has been decided so far.

    Attributes:
        levels: Level of the battery above its least one before each step, kWh; one value more than there
            are steps.
        draws: What the battery draws in each step, kWh; negative when it gives.
        caps_kw: Import up to which a capacity charge is taken as paid in each step: solar plant is not
            throttled for a negative price beyond it.
        charging_kw: Charging of vehicles.
    """

    levels: Floats
    draws: Floats
    caps_kw: Floats
    charging_kw: Floats


class Plan(Protocol):
    """A controller at work on one site."""

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide steps ``first .. last - 1``; ``record.levels[first]`` is known."""
        ...


class Controller(Protocol):
    """A way to steer a battery; a frozen value that can begin to steer any site."""

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        ...

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:
        """Start to steer a site; ``observed`` is filled in as time goes on."""
        ...


class Operation:
    """A site under a controller, advanced by blocks of steps.

    A coupled simulation hands over the load of each block as it becomes known; a study on measured series
    just advances to the end. How the steps are cut into blocks never changes a result.

    Args:
        site: The site.
        series: What it sees.
        controller: Who steers the battery.
        rng: The controller's random stream.
        charging_limit_kw: Import beyond which vehicles that can wait are put off, where that is less than
            the connection gives.
    """

    def __init__(
        self,
        site: Site,
        series: Series,
        controller: Controller,
        rng: np.random.Generator,
        charging_limit_kw: float = np.inf,
    ) -> None:
        check(site, series)
        self.site, self.series, self.controller = site, series, controller
        self.done = 0
        self.charging_limit_kw = charging_limit_kw
        until = known_until(site, series)
        zeros = np.zeros(len(series))
        rows = conditions(site, series)
        self.vehicles: Charging | None = None
        charging = zeros
        if series.sessions is not None:
            stays, price = series.sessions, import_price(site, series)
            self.vehicles = Charging(stays, price, until, series.step_h)
            # As it comes if the load is that of the series; a coupled load changes it block by block.
            charging = Charging(stays, price, until, series.step_h).advance(
                0, len(series), self._beside_kw(rows), rows[:, RENEWABLE]
            )
            rows[:, LOAD] += charging
        self.observed = Observed(
            rows=rows,
            solar_kw=zeros if series.solar_kw is None else series.solar_kw,
            wind_kw=zeros if series.wind_kw is None else series.wind_kw,
            known_until=until,
            steps_per_day=series.steps_per_day,
        )
        free = 0.0 if site.tariff.capacity_eur_per_kw_month > 0.0 else np.inf
        self.record = Record(
            np.zeros(len(series) + 1), np.zeros(len(series)), np.full(len(series), free), charging.copy()
        )
        battery = site.battery
        self.low = 0.0 if battery is None else battery.level_min_kwh
        if battery is not None:
            self.record.levels[0] = battery.level_initial_kwh - self.low
        self.plan = controller.begin(site, series, self.observed, rng)

    def advance(self, last: int, load_kw: Floats | None = None) -> None:
        """Run to the beginning of step ``last``.

        Args:
            last: The first step not to be run.
            load_kw: Load of the steps to be run, where it differs from the series.
        """
        part = slice(self.done, last)
        rows, charging = self.observed.rows[part], self.record.charging_kw[part]
        if self.vehicles is not None or load_kw is not None:
            rows[:, LOAD] = self.series.load_kw[part] if load_kw is None else load_kw
            if self.vehicles is not None:
                beside = self._beside_kw(rows)
                charging[:] = self.vehicles.advance(self.done, last, beside, rows[:, RENEWABLE])
            rows[:, LOAD] += charging
        if self.site.battery is not None:
            self.plan.advance(self.done, last, self.record)
        self.done = last

    def _beside_kw(self, rows: Floats) -> Floats:
        """What the import limit leaves for vehicles where ``rows`` hold the other load, kW."""
        return np.asarray(np.minimum(rows[:, IMPORT_LIMIT], self.charging_limit_kw) - rows[:, LOAD])

    def schedule(self) -> Schedule:
        """The schedule of the steps run so far."""
        done, record = self.done, self.record
        series = self.series.window(0, done) if done < len(self.series) else self.series
        load = self.observed.rows[:done, LOAD] - record.charging_kw[:done]
        if not np.array_equal(load, series.load_kw):
            series = series.with_load(load)
        return scheduled(
            self.site,
            series,
            self.controller.label,
            record.draws[:done] / series.step_h,
            record.levels[: done + 1] + self.low,
            charging_kw=record.charging_kw[:done],
            caps_kw=record.caps_kw[:done],
        )


def operate(
    site: Site,
    series: Series,
    controller: Controller | str = "predictive",
    seed: int = 0,
    *,
    bound: bool = True,
) -> Schedule:
    """Run a site over a series under a controller that does not see the future.

    Args:
        site: The site.
        series: What it sees.
        controller: A controller, or the name of one in :data:`pilots.microgrid.controllers.CONTROLLERS`.
        seed: Seed of the controller's random stream; the controllers that come with Twinbox draw nothing
            from it.
        bound: Whether to find the perfect-foresight optimum beside it (``bound_eur``).

    Returns:
        The schedule, always within the limits of the battery and never charging and discharging at once.

    Raises:
        InvalidData: If the series cannot be those of the site.
        UnknownName: If no controller is called so.
        Infeasible: If not even perfect foresight can serve the load.
    """
    from pilots.microgrid.controllers import named

    chosen = named(controller) if isinstance(controller, str) else controller
    operation = Operation(site, series, chosen, np.random.default_rng(seed))
    operation.advance(len(series))
    schedule = noted(operation.schedule())
    return schedule.with_bound(optimum(site, series).cost_eur) if bound else schedule
