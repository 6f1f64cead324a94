"""Electricity of a demo city: prices, loads, and what its plants generate, hour by hour with the weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geodata.city import fold
from geodata.demo.chance import stream
from geodata.demo.facts import Facts

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

HUB_M = 95.0
ROUGHNESS_M = 0.03
CUT_IN_M_S, RATED_M_S, CUT_OUT_M_S = 3.0, 12.5, 25.0
TILT_DEG, PERFORMANCE, PER_KELVIN, WARMER_K = 35.0, 0.86, -0.004, 0.03
"""Of a solar plant: tilt, performance ratio, loss per kelvin over 25 degrees, kelvin over air per W/m2."""

MEMBERS = {
    # name: (kW on average, share that follows people at home, at work, the dark, and the cold)
    "apartment-house": (14.0, (0.62, 0.06, 0.12, 0.20)),
    "row-houses": (9.0, (0.50, 0.04, 0.08, 0.38)),
    "school": (22.0, (0.02, 0.72, 0.08, 0.18)),
    "office-house": (45.0, (0.05, 0.75, 0.05, 0.15)),
    "supermarket": (60.0, (0.20, 0.60, 0.05, 0.15)),
    "street-lighting": (35.0, (0.0, 0.0, 1.0, 0.0)),
    "cold-store": (80.0, (0.25, 0.55, 0.0, 0.20)),
}
"""Customers whose meters a demo pack shows; sizes of the usual order."""

CITY_SHARES = (0.32, 0.48, 0.04, 0.16)

AT_HOME = np.array([3, 2, 2, 2, 2, 3, 5, 7, 6, 5, 5, 5, 5, 5, 5, 6, 7, 9, 10, 10, 9, 8, 6, 4], dtype=float)
AT_WORK = np.array(
    [2, 2, 2, 2, 2, 2, 3, 5, 9, 10, 10, 10, 10, 10, 10, 9, 8, 6, 4, 3, 3, 2, 2, 2], dtype=float
)
PRICE = np.array(
    [6, 5, 5, 5, 5, 6, 8, 11, 12, 11, 10, 9, 8, 8, 8, 9, 10, 12, 13, 12, 10, 9, 8, 7], dtype=float
)
"""Shapes of a working day by local hour, each to be divided by its mean."""


def prices(facts: Facts, weather: pd.DataFrame) -> pd.DataFrame:
    """Day-ahead prices: dear on cold still evenings, cheap in windy nights, below nothing now and then."""
    import pandas as pd

    hour, weekend = _clock(facts, weather)
    price = facts.document["energy"]["price_eur_per_mwh"]
    wind = weather["wind_speed_m_s"].to_numpy()
    windy = (wind - wind.mean()) / wind.std()
    cold = (8 - weather["temperature_c"].to_numpy()) / 10
    sunny = weather["ghi_w_m2"].to_numpy() / 500
    shape = PRICE[hour] / PRICE.mean() * np.where(weekend, 0.82, 1.0)
    level = shape * (1 + 0.22 * cold - 0.30 * windy - 0.45 * sunny)
    chance = stream("energy", "prices").normal(0, 0.16, len(level))
    spikes = np.where(stream("energy", "spikes").random(len(level)) < 0.004, 3.5, 0.0) * (cold > 0.3)
    level = np.maximum(level + chance + spikes, -0.12)
    return pd.DataFrame(
        {"time": weather["time"], "price_eur_per_mwh": (level / level.mean() * price).round(2)}
    )


def load(facts: Facts, weather: pd.DataFrame) -> pd.DataFrame:
    """Mean power by hour of the whole city and of some of its customers."""
    import pandas as pd

    residents = facts.table("districts")["population"].sum()
    city_kw = residents * facts.document["energy"]["use_mwh_per_resident"] * 1000 / 8760
    parts = _shapes(facts, weather)
    series = []
    for name, (mean_kw, shares) in {"city": (city_kw, CITY_SHARES), **MEMBERS}.items():
        chance = stream(facts.city.id, "load", name)
        spread = 0.02 if name == "city" else 0.12
        power = (parts @ np.array(shares)) * mean_kw * chance.lognormal(0, spread, len(parts))
        series.append(pd.DataFrame({"series_id": name, "time": weather["time"], "power_kw": power.round(2)}))
    return pd.concat(series, ignore_index=True)


def _shapes(facts: Facts, weather: pd.DataFrame) -> NDArray[np.float64]:
    """What people at home, people at work, the dark and the cold ask for by hour, each 1 on average."""
    hour, weekend = _clock(facts, weather)
    home = AT_HOME[hour] * np.where(weekend, 1.12, 1.0)
    work = np.where(weekend, 2.5, AT_WORK[hour])
    dark = (weather["ghi_w_m2"].to_numpy() < 8).astype(float) * np.where((hour >= 1) & (hour < 5), 0.6, 1.0)
    cold = np.maximum(15 - weather["temperature_c"].to_numpy(), 0.0) + 1.0
    shapes: NDArray[np.float64] = np.column_stack([home, work, dark, cold])
    relative: NDArray[np.float64] = shapes / shapes.mean(axis=0)
    return relative


def _clock(facts: Facts, weather: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Local hour of the day, and whether it is the weekend."""
    local = weather["time"].dt.tz_convert(facts.city.timezone)
    return local.dt.hour.to_numpy(), (local.dt.day_of_week >= 5).to_numpy()


def generators(facts: Facts) -> gpd.GeoDataFrame:
    """Plants, one row per turbine; a wind park's stand in a row."""
    import geopandas as gpd

    table = _plants(facts)
    table = table.loc[table.index.repeat(table["count"])]
    number = table.groupby(level=0).cumcount()
    x = table["x"] + number * table["step_east_m"]
    y = table["y"] + number * table["step_north_m"]
    several = table["count"] > 1
    generator_id = table["plant"].where(
        ~several, table["plant"] + "-" + (number + 1).astype(str).str.zfill(2)
    )
    table = table.assign(generator_id=generator_id, capacity_kw=table["capacity_kw"].astype(float))
    return gpd.GeoDataFrame(
        table[["generator_id", "name", "source", "capacity_kw"]].reset_index(drop=True),
        geometry=gpd.points_from_xy(x, y),
        crs=facts.city.crs,
    )


def _plants(facts: Facts) -> pd.DataFrame:
    table = facts.table("generators")
    for column, usual in (("count", 1), ("step_east_m", 0), ("step_north_m", 0)):
        if column not in table:
            table[column] = usual
    return table.assign(plant=[fold(name) for name in table["name"]])


def generation(facts: Facts, weather: pd.DataFrame) -> pd.DataFrame:
    """Mean power of each plant by hour, as the weather lets it, or for heat as the cold asks."""
    import pandas as pd

    share = {
        "wind": _wind_share(weather),
        "solar": _solar_share(facts, weather),
        "biomass": np.clip((14 - weather["temperature_c"].to_numpy()) / 24, 0.0, 1.0),
        "gas": np.clip((4 - weather["temperature_c"].to_numpy()) / 20, 0.0, 1.0),
    }
    series = []
    plants = _plants(facts)
    rated_kw = (plants["capacity_kw"] * plants["count"]).to_numpy(float)
    for name, source, rated in zip(plants["plant"], plants["source"], rated_kw, strict=True):
        power = share[source] * rated
        series.append(pd.DataFrame({"series_id": name, "time": weather["time"], "power_kw": power.round(2)}))
    return pd.concat(series, ignore_index=True)


def _wind_share(weather: pd.DataFrame) -> NDArray[np.float64]:
    """Share of the rated power: cubic between cut-in and rated speed, at the hub by the logarithmic law."""
    at_hub = weather["wind_speed_m_s"].to_numpy() * np.log(HUB_M / ROUGHNESS_M) / np.log(10 / ROUGHNESS_M)
    share = (at_hub**3 - CUT_IN_M_S**3) / (RATED_M_S**3 - CUT_IN_M_S**3)
    return np.where(at_hub < CUT_OUT_M_S, share.clip(0, 1), 0.0)


def _solar_share(facts: Facts, weather: pd.DataFrame) -> NDArray[np.float64]:
    """Share of the rated power of panels tilted to the south (isotropic sky)."""
    import pandas as pd
    from pvlib.irradiance import get_total_irradiance
    from pvlib.solarposition import get_solarposition

    climate = facts.document["climate"]
    middle = pd.DatetimeIndex(weather["time"]) + pd.Timedelta(minutes=30)
    sun = get_solarposition(middle, climate["latitude"], climate["longitude"])
    light = (weather[name].to_numpy() for name in ("dni_w_m2", "ghi_w_m2", "dhi_w_m2"))
    plane = get_total_irradiance(
        TILT_DEG,
        180.0,
        sun["apparent_zenith"].to_numpy(),
        sun["azimuth"].to_numpy(),
        *light,
        model="isotropic",
    )["poa_global"]
    plane = np.nan_to_num(np.asarray(plane, dtype=float)).clip(0)
    cell = weather["temperature_c"].to_numpy() + WARMER_K * plane
    share: NDArray[np.float64] = plane / 1000 * PERFORMANCE * (1 + PER_KELVIN * (cell - 25))
    return share.clip(0, 1)
