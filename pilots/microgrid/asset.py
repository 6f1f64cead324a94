"""What every described thing of a site is: a frozen value that says what is wrong.

Example: ``Battery(capacity_kwh=100, charge_kw=50, discharge_kw=50, charge_efficiency=1.02)`` is refused
with the field's name, the value 1.02 and "less than or equal to 1".
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from geodata.errors import InvalidInput

Share = float


class Asset(BaseModel):
    """A frozen, closed value whose faults are told as :class:`geodata.errors.InvalidInput`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as fault:
            raise _told(type(self), fault) from fault


def _told(kind: type[BaseModel], fault: ValidationError) -> InvalidInput:
    first, name = fault.errors()[0], kind.__name__
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "extra_forbidden":
        expected = f"one of {', '.join(kind.model_fields)}"
    elif first["type"] == "missing":
        expected = "a value: it has no default"
    field = ".".join([name, *(str(part) for part in first["loc"])])
    value = first.get("input")
    return InvalidInput(
        f"{name} is not possible",
        field=field,
        value=None if isinstance(value, dict) else value,
        expected=expected,
    )
