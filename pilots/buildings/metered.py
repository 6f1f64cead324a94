"""Heat meters of a city's pack beside the simulated heat: how well the model meets them, before and after.

A meter that reads kilowatts every quarter of an hour is brought to the hours of the run. Buildings with four
weeks of readings are calibrated; the others are compared as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.buildings.calibration import calibrate
from pilots.buildings.indicators.energy import fit
from pilots.buildings.monitoring import promoted
from pilots.buildings.thermal.fast_inputs import fast_inputs
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.zone import Building
from twin.packs import PackView

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeterFit:
    """How the model meets the heat meters of a city; not a number where there are none."""

    cv_rmse_percent: float
    nmbe_percent: float
    calibrated_percent: float
    """Metered buildings whose calibrated model meets unseen readings within Guideline 14."""


NOTHING = MeterFit(float("nan"), float("nan"), float("nan"))


def metered_heat_w(pack: PackView, schools: Sequence[str], start: pd.Timestamp, hours: int) -> Floats | None:
    """Hourly means of the heat meters of a pack's production data, W, shape (hours, schools).

    Args:
        pack: The city's pack.
        schools: Identifiers of the buildings, which meters name as `building_id`.
        start: First hour.
        hours: Number of hours.

    Returns:
        Heat, not a number where a meter was silent; nothing where no building has a meter.
    """
    if not (pack.has("sensors") and pack.has("observations")):
        return None
    sensors = pack.table("sensors", ["sensor_id", "observed_property", "building_id"])
    meters = sensors[(sensors["observed_property"] == "heat_power") & sensors["building_id"].isin(schools)]
    if meters.empty:
        return None
    observations = pack.table("observations")
    observations = observations[observations["state"] == "production"]
    heat = np.full((hours, len(schools)), np.nan)
    first = pd.Timestamp(start).as_unit("ns").value
    for meter in meters.sort_values("sensor_id").itertuples(index=False):
        own = observations[observations["sensor_id"] == meter.sensor_id].sort_values("time")
        time = pd.DatetimeIndex(own["time"]).as_unit("ns").asi8
        value = promoted(time, own["value"].to_numpy(np.float64), "heat_power")
        row = (time - first) // 3_600_000_000_000
        inside = (row >= 0) & (row < hours) & np.isfinite(value)
        count = np.bincount(row[inside], minlength=hours)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(row[inside], weights=1000.0 * value[inside], minlength=hours) / count
        heat[:, list(schools).index(str(meter.building_id))] = mean
    return heat


def meter_fit(
    metered_w: Floats | None,
    simulated_w: Floats,
    buildings: Sequence[Building],
    base_load_w: Floats,
    sun: Sun,
) -> MeterFit:
    """Hold the simulated heat to the meters, and the calibrated models to readings they have not seen.

    Args:
        metered_w: What `metered_heat_w` returned.
        simulated_w: Heat of the run, of the same shape.
        buildings: The thermal models.
        base_load_w: Hot water, of the same shape.
        sun: The sun of the run, for the fast model.
    """
    if metered_w is None:
        return NOTHING
    misses, biases, calibrated = [], [], []
    for k in range(metered_w.shape[1]):
        own = metered_w[:, k]
        if np.isfinite(own).sum() < 2 or np.nanmean(own) == 0:
            continue
        plain = fit(own, simulated_w[:, k])
        misses.append(plain.cv_rmse_percent)
        biases.append(plain.nmbe_percent)
        try:
            done = calibrate(*fast_inputs(buildings[k], sun), own, base_load_w[:, k])
        except InvalidInput:
            # Less than four weeks of readings: compared, not calibrated.
            continue
        calibrated.append(done.calibrated)
    if not misses:
        return NOTHING
    share = 100.0 * float(np.mean(calibrated)) if calibrated else float("nan")
    return MeterFit(float(np.mean(misses)), float(np.mean(biases)), share)
