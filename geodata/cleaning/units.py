"""Units: from what the source is written in to what the kind asks for.

Kinds spell units as UCUM does (``Cel``, ``m2``, ``W/m2``); recipes may use the same spelling or pint's.
Example: ``convert(numpy.array([68.0]), "degF", "Cel")`` gives 20.0.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPELLINGS = {
    "1": "dimensionless",
    "%": "percent",
    "Cel": "degC",
    "a": "year",
    "m2": "m**2",
    "W/m2": "W/m**2",
    "kW/m2": "kW/m**2",
}


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)
    registry.define("EUR = [currency]")
    registry.define("cent = 0.01 * EUR")
    return registry


def convert(values: NDArray[np.float64], source: str, target: str) -> NDArray[np.float64]:
    """Numbers in another unit.

    Raises:
        ValueError: A unit is unknown, or the two measure different things.
    """
    if source == target:
        return values
    import pint

    registry = _registry()
    try:
        quantity = registry.Quantity(values, _SPELLINGS.get(source, source))
        converted: NDArray[np.float64] = quantity.to(_SPELLINGS.get(target, target)).magnitude
    except (pint.PintError, AttributeError, AssertionError) as error:
        raise ValueError(f"{source!r} cannot be turned into {target!r}: {error}") from error
    return converted
