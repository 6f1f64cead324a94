"""Units as the formats of the trade write them, and how to get from one to another.

The traps: NGSI-LD says carbon dioxide in milligrams per litre and humidity from 0 to 1; Sentilo says
whatever it likes; SensorThings has three fields for the same unit and any of them may be empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from geodata.errors import InvalidInput

MOLAR_VOLUME_L = 24.45
"""Of an ideal gas at 25 °C and 1 atm."""

CO2_G_MOL = 44.01

_PPM_PER_MG_M3 = MOLAR_VOLUME_L / CO2_G_MOL

UNIT_CODES: Mapping[str, str] = MappingProxyType(
    {
        "C62": "1",
        "P1": "%",
        "CEL": "Cel",
        "FAH": "[degF]",
        "KEL": "K",
        "59": "ppm",
        "GP": "mg/m3",
        "M1": "mg/L",
        "GQ": "ug/m3",
        "KWH": "kWh",
        "WTT": "W",
        "KWT": "kW",
        "LUX": "lx",
        "A97": "hPa",
        "PAL": "Pa",
    }
)
"""UN/CEFACT recommendation 20, which NGSI-LD's ``unitCode`` uses."""

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "": "",
        "ppm": "ppm",
        "[ppm]": "ppm",
        "%": "%",
        "percent": "%",
        "% rh": "%",
        "%rh": "%",
        "1": "1",
        "cel": "Cel",
        "°c": "Cel",
        "c": "Cel",
        "degc": "Cel",
        "celsius": "Cel",
        "degree celsius": "Cel",
        "[degf]": "[degF]",
        "°f": "[degF]",
        "fahrenheit": "[degF]",
        "k": "K",
        "kelvin": "K",
        "mg/m3": "mg/m3",
        "mg/m³": "mg/m3",
        "mg/l": "mg/L",
        "milligram per litre": "mg/L",
        "w": "W",
        "kw": "kW",
        "lx": "lx",
        "lux": "lx",
    }
)

_Conversion = Callable[[float], float]

_CONVERSIONS: Mapping[tuple[str, str, str], _Conversion] = MappingProxyType(
    {
        ("co2", "mg/m3", "ppm"): lambda v: v * _PPM_PER_MG_M3,
        ("co2", "mg/L", "ppm"): lambda v: v * 1000.0 * _PPM_PER_MG_M3,
        ("co2", "%", "ppm"): lambda v: v * 1e4,
        ("temperature", "[degF]", "Cel"): lambda v: (v - 32.0) / 1.8,
        ("temperature", "K", "Cel"): lambda v: v - 273.15,
        ("relative_humidity", "1", "%"): lambda v: v * 100.0,
        ("electric_power", "W", "kW"): lambda v: v / 1000.0,
        ("heat_power", "W", "kW"): lambda v: v / 1000.0,
    }
)


def canonical_unit(text: str) -> str:
    """A unit in the spelling used here (UCUM), from a code, a symbol or a definition's last part.

    Raises:
        InvalidInput: A unit that nobody knows.
    """
    cleaned = text.strip()
    if cleaned in UNIT_CODES:
        return UNIT_CODES[cleaned]
    last = cleaned.rsplit("/", 1)[-1] if "://" in cleaned else cleaned
    spelling = _SPELLINGS.get(cleaned.lower(), _SPELLINGS.get(last.lower()))
    if spelling is None:
        raise InvalidInput("a unit that nobody knows", field="unit", value=text, expected="UCUM or UN/CEFACT")
    return spelling


def converter(observed_property: str, given: str, wanted: str) -> _Conversion:
    """How to turn a value of a property from one unit into another.

    Args:
        observed_property: What is observed; ppm and mg/m3 of carbon dioxide are not those of another gas.
        given: Unit of the value, in any spelling; empty for the wanted one.
        wanted: Unit needed.

    Raises:
        InvalidInput: There is no way from one to the other.
    """
    source, target = canonical_unit(given), canonical_unit(wanted)
    if source in ("", target):
        return lambda value: value
    try:
        return _CONVERSIONS[observed_property, source, target]
    except KeyError:
        raise InvalidInput(
            f"{observed_property} cannot be had from this unit", field="unit", value=given, expected=wanted
        ) from None
