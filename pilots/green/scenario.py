"""What a planner may set for the trees and green areas of a city."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.pilot import Scenario, quantity


class GreenScenario(Scenario):
    """Fell, plant, prune and weather; the defaults leave the stock to itself."""

    members: int = quantity(20, "1", 2, 200, "Members of the ensemble behind each interval.")

    where_street: str = Field(
        default="",
        max_length=120,
        description="Street along which is felled and planted; empty for all the city.",
    )
    where_area: str = Field(
        default="",
        max_length=20_000,
        description="Area of felling and planting, POLYGON ((longitude latitude, ...)); empty for all.",
    )

    fell_trees: int = quantity(0, "1", 0, 100_000, "Trees felled in each city in the first spring.")
    fell_least_dbh_cm: float = quantity(35.0, "cm", 0.0, 150.0, "Least trunk of the trees that are felled.")
    fell_species: str = Field(
        default="",
        max_length=80,
        description="Species or genus that is felled (scientific name); empty for any.",
    )
    replace_ratio: float = quantity(
        1.0, "1", 0.0, 50.0, "Trees planted for each felled one in the first autumn."
    )
    replace_dbh_cm: float = quantity(8.0, "cm", 1.0, 30.0, "Trunk of the replacements.")
    replace_species: str = Field(
        default="Tilia x europaea",
        max_length=80,
        description="Species of the replacements (scientific name).",
    )

    plant_per_year: int = quantity(0, "1", 0, 100_000, "Trees planted each autumn besides replacements.")
    plant_years: int = quantity(100, "a", 1, 100, "Autumns in which they are planted, from the first.")
    plant_at_schools: int = quantity(
        0, "1", 0, 40, "Trees planted in each of the named school yards, first autumn."
    )
    plant_dbh_cm: float = quantity(5.0, "cm", 1.0, 30.0, "Trunk of planted trees.")
    plant_mix: Literal["as_standing", "diverse", "drought_hardy"] = Field(
        default="diverse",
        description="Species that are planted: as standing, a diverse mix, or hardy in drought.",
    )
    plant_where: Literal["everywhere", "least_canopy", "worst_3_30_300"] = Field(
        default="everywhere",
        description="Where trees are planted: near others, in the districts of least canopy, or around the "
        "homes that fail most of 3-30-300.",
    )
    replace_losses: float = quantity(
        1.0, "1", 0.0, 1.0, "Share of the trees that die that is planted anew in place."
    )

    prune_every_years: int = quantity(0, "a", 0, 30, "Pruning cycle; 0 for none.")
    prune_depth: float = quantity(0.2, "1", 0.0, 0.8, "Share of the crown's diameter that pruning takes.")

    warming_k: float = quantity(0.0, "K", 0.0, 8.0, "Warming reached at the end of the run.")
    summer_rain: float = quantity(1.0, "1", 0.1, 3.0, "Factor on rain from April to September.")
    soaking_share: float = quantity(
        0.45,
        "1",
        0.0,
        1.0,
        "Share of the rain beside crowns that soaks in where trees root: paving against pits.",
    )
    pit_m2: float = quantity(0.0, "m2", 0.0, 50.0, "Paving opened around each tree, for cloudbursts.")
    ash_dieback: bool = Field(default=True, description="Whether ash dieback goes on.")
    elm_disease: bool = Field(default=False, description="Whether Dutch elm disease is present.")
    dieback_speed: float = quantity(1.0, "1", 0.0, 5.0, "Factor on the speed of ash dieback and elm disease.")
    storms_per_decade: float = quantity(3.0, "1", 0.0, 50.0, "Severe storms in ten years.")

    cloudburst_mm: float = quantity(
        40.0, "mm", 1.0, 200.0, "Rain of the cloudburst that is held against the ground."
    )
    pm25_ug_m3: float = quantity(6.0, "ug/m3", 0.0, 200.0, "Mean concentration of fine particles.")
    ozone_ug_m3: float = quantity(55.0, "ug/m3", 0.0, 400.0, "Mean concentration of ozone.")
    nitrogen_dioxide_ug_m3: float = quantity(
        12.0, "ug/m3", 0.0, 400.0, "Mean concentration of nitrogen dioxide."
    )

    heat_island_k: float = quantity(2.5, "K", 0.0, 12.0, "Largest urban heat island, for the cooling index.")
    places: int = quantity(3, "1", 0, 50, "Named places (school yards) whose shade and heat are computed.")
