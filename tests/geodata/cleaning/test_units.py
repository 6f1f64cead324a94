"""Units of sources and of kinds."""

from __future__ import annotations

import numpy as np
import pytest

from geodata.cleaning.units import convert
from geodata.kinds import KINDS


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (68.0, "degF", "Cel", 20.0),
        (293.15, "kelvin", "Cel", 20.0),
        (36.0, "km/h", "m/s", 10.0),
        (1013.25, "hPa", "Pa", 101325.0),
        (4.5, "cent/kWh", "EUR/MWh", 45.0),
        (12.0, "cm", "m", 0.12),
        (2.5, "km", "m", 2500.0),
        (619.5, "MW", "kW", 619_500.0),
        (0.85, "1", "%", 85.0),
        (3.0, "minute", "s", 180.0),
        (1.2, "kW/m2", "W/m2", 1200.0),
        (2.0, "hectare", "m2", 20_000.0),
    ],
)
def test_conversions(value: float, source: str, target: str, expected: float) -> None:
    np.testing.assert_allclose(convert(np.array([value]), source, target), [expected])


@pytest.mark.parametrize(
    ("source", "target"), [("kg", "m"), ("furlongs per cat", "m"), ("kWh", "kW"), ("", "m")]
)
def test_units_that_do_not_fit(source: str, target: str) -> None:
    with pytest.raises(ValueError, match="cannot be turned into"):
        convert(np.array([1.0]), source, target)


def test_every_unit_of_every_kind_is_known() -> None:
    for kind in KINDS.values():
        for column in kind.columns:
            if column.unit is not None:
                converted = convert(np.array([1.0]), column.unit, column.unit)
                assert converted[0] == 1.0
                convert(
                    np.array([1.0]),
                    {"m": "km", "s": "h", "kW": "W"}.get(column.unit, column.unit),
                    column.unit,
                )
