"""What indoor sensors observe: the unit of each property, what it can be, and how fast it can change.

The bounds tell a sensor's fault from a stuffy room: 3000 ppm is a bad classroom, 12,000 ppm a bad sensor, and
0.9 "ppm" a sensor that speaks mg/L.

The tests are those of QARTOD, which leaves every threshold to the operator (U.S. IOOS 2020, "Manual for
real-time quality control of in-situ temperature and salinity data", version 2.1: gross range, spike, rate of
change, flat line). Beside each number stands what it rests on; "SCD30" is the data sheet of that sensor
(Sensirion 2020, version 1.0). "Assumed" marks our own judgement, for which no source was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Property:
    """An observed property and the rules of quality control for it."""

    name: str
    unit: str
    title: str
    fail: tuple[float, float]
    """What the sensor or nature can show."""
    suspect: tuple[float, float]
    """What the place it stands in normally shows."""
    spike_suspect: float
    spike_fail: float
    rate_suspect_per_s: float
    rate_fail_per_s: float
    flat_suspect_s: float
    flat_fail_s: float
    flat_tolerance: float
    resolution: float
    """Smallest step of a usual sensor."""
    noise: float
    """Standard deviation of a usual sensor."""
    baseline: str = "siblings"
    """What its level at night is held against: `outdoor` air, or other rooms of the building."""
    shift: float = 0.0
    """Departure of the level at night that counts as a fault."""


_HOUR = 3600.0

PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        item.name: item
        for item in (
            Property(
                "co2",
                "ppm",
                "carbon dioxide",
                # Air has held 300 ppm since about 1910 (Etheridge et al. 1996); SCD30 measures to 10,000.
                fail=(300.0, 10_000.0),
                # Outdoor air of the 2020s, about 420 ppm, less the error of SCD30 of 30 ppm + 3 %; the limit
                # for eight hours' work (Directive 2006/15/EC).
                suspect=(380.0, 5_000.0),
                # Assumed: a breath at the sensor gives hundreds of ppm for one reading.
                spike_suspect=250.0,
                spike_fail=500.0,
                # Assumed: 30 pupils at 18 L/h each in 180 m3 without fresh air give 0.8 ppm/s.
                rate_suspect_per_s=1.5,
                rate_fail_per_s=5.0,
                # Assumed: with noise of 10 ppm the same value does not come back for hours.
                flat_suspect_s=2 * _HOUR,
                flat_fail_s=6 * _HOUR,
                flat_tolerance=1e-6,
                resolution=1.0,
                # Repeatability of SCD30.
                noise=10.0,
                baseline="outdoor",
                # Assumed: nearly twice the error of SCD30 at the level of outdoor air, 43 ppm.
                shift=75.0,
            ),
            Property(
                "temperature",
                "Cel",
                "air temperature",
                # SCD30 measures from -40 C; the upper end is assumed, as no room reaches it.
                fail=(-40.0, 60.0),
                # Assumed, as all below: a frozen room and a room in a heat wave; an open window cools by
                # kelvins in minutes, and a room drifts by hundredths of a kelvin even at night.
                suspect=(5.0, 40.0),
                spike_suspect=2.0,
                spike_fail=4.0,
                rate_suspect_per_s=0.01,
                rate_fail_per_s=0.05,
                flat_suspect_s=12 * _HOUR,
                flat_fail_s=24 * _HOUR,
                flat_tolerance=1e-6,
                resolution=0.05,
                noise=0.1,
                shift=1.5,
            ),
            Property(
                "relative_humidity",
                "%",
                "relative humidity",
                # By definition.
                fail=(0.0, 100.0),
                # Assumed, as all below: heated rooms fall to some 10 % in winter, and none condenses.
                suspect=(5.0, 95.0),
                spike_suspect=10.0,
                spike_fail=20.0,
                rate_suspect_per_s=0.05,
                rate_fail_per_s=0.2,
                flat_suspect_s=12 * _HOUR,
                flat_fail_s=24 * _HOUR,
                flat_tolerance=1e-6,
                resolution=0.1,
                noise=0.5,
                shift=7.0,
            ),
            Property(
                "electric_power",
                "kW",
                "electric power",
                # All assumed: a large school draws hundreds of kilowatts, switched at any moment.
                fail=(0.0, 1e5),
                suspect=(0.0, 1e4),
                spike_suspect=1e4,
                spike_fail=1e5,
                rate_suspect_per_s=1e3,
                rate_fail_per_s=1e5,
                flat_suspect_s=24 * _HOUR,
                flat_fail_s=72 * _HOUR,
                flat_tolerance=1e-9,
                resolution=0.001,
                noise=0.0,
            ),
            Property(
                "heat_power",
                "kW",
                "heat power",
                # All assumed, as electric power.
                fail=(0.0, 1e5),
                suspect=(0.0, 1e4),
                spike_suspect=1e4,
                spike_fail=1e5,
                rate_suspect_per_s=1e3,
                rate_fail_per_s=1e5,
                # In summer nobody heats for weeks.
                flat_suspect_s=2400 * _HOUR,
                flat_fail_s=4800 * _HOUR,
                flat_tolerance=1e-9,
                resolution=0.001,
                noise=0.0,
            ),
            Property(
                "people",
                "1",
                "persons present",
                # All assumed: no room of a school holds a thousand, and a class enters within one reading.
                fail=(0.0, 1e5),
                suspect=(0.0, 1e3),
                spike_suspect=1e3,
                spike_fail=1e5,
                rate_suspect_per_s=1e3,
                rate_fail_per_s=1e5,
                # A room stays empty over the holidays.
                flat_suspect_s=2400 * _HOUR,
                flat_fail_s=4800 * _HOUR,
                flat_tolerance=1e-9,
                resolution=1.0,
                noise=0.0,
            ),
            Property(
                "illuminance",
                "lx",
                "illuminance",
                # Full sun gives some 100,000 lx; all is assumed: a lamp is switched at once.
                fail=(0.0, 2e5),
                suspect=(0.0, 1e4),
                spike_suspect=1e4,
                spike_fail=1e5,
                rate_suspect_per_s=1e4,
                rate_fail_per_s=1e5,
                flat_suspect_s=72 * _HOUR,
                flat_fail_s=240 * _HOUR,
                flat_tolerance=1e-9,
                resolution=1.0,
                noise=2.0,
            ),
        )
    }
)
