"""What a planner may set for the trees and green areas of a city."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.pilot import Scenario, quantity


class GreenScenario(Scenario):
    """Fell, plant, prune and weather; the defaults leave the stock to itself."""

    members: int = quantity(20, "1", 2, 200, "Members of the ensemble behind each interval.")

    fell_trees: int = quantity(0, "1", 0, 10_000, "Large trees felled in each city in the first spring.")
    fell_least_dbh_cm: float = quantity(35.0, "cm", 5.0, 150.0, "Least trunk of the trees that are felled.")
    replace_ratio: float = quantity(1.0, "1", 0.0, 50.0, "Trees planted for each felled one in the first autumn.")
    replace_dbh_cm: float = quantity(8.0, "cm", 1.0, 30.0, "Trunk of the replacements.")
    replace_species: str = Field(
        default="Tilia x europaea", description="Species of the replacements (scientific name).", max_length=80
    )

    plant_per_year: int = quantity(0, "1", 0, 100_000, "Trees planted each autumn besides replacements.")
    plant_dbh_cm: float = quantity(5.0, "cm", 1.0, 30.0, "Trunk of planted trees.")
    plant_mix: Literal["as_standing", "diverse", "drought_hardy"] = Field(
        default="diverse", description="Species that are planted: as standing, a diverse mix, or hardy in drought."
    )
    plant_where: Literal["everywhere", "least_canopy"] = Field(
        default="everywhere", description="Where trees are planted: everywhere, or in districts of least canopy."
    )
    replace_losses: float = quantity(1.0, "1", 0.0, 1.0, "Share of the trees that die that is planted anew.")

    prune_every_years: int = quantity(0, "a", 0, 30, "Pruning cycle; 0 for none.")
    prune_depth: float = quantity(0.2, "1", 0.0, 0.8, "Share of the crown's diameter that pruning takes.")

    warming_k: float = quantity(0.0, "K", 0.0, 8.0, "Warming reached at the end of the run.")
    summer_rain: float = quantity(1.0, "1", 0.1, 3.0, "Factor on rain from April to September.")
    soaking_share: float = quantity(
        0.45, "1", 0.0, 1.0, "Share of rain that reaches the roots of trees: paving against open pits."
    )
    ash_dieback: bool = Field(default=True, description="Whether ash dieback goes on.")
    elm_disease: bool = Field(default=False, description="Whether Dutch elm disease is present.")
    storms_per_decade: float = quantity(3.0, "1", 0.0, 50.0, "Severe storms in ten years.")

    cloudburst_mm: float = quantity(40.0, "mm", 1.0, 200.0, "Rain of the cloudburst that is held against the ground.")
    pm25_ug_m3: float = quantity(6.0, "ug/m3", 0.0, 200.0, "Mean concentration of fine particles.")
    ozone_ug_m3: float = quantity(55.0, "ug/m3", 0.0, 400.0, "Mean concentration of ozone.")
    nitrogen_dioxide_ug_m3: float = quantity(12.0, "ug/m3", 0.0, 400.0, "Mean concentration of nitrogen dioxide.")

    heat_island_k: float = quantity(2.5, "K", 0.0, 12.0, "Largest urban heat island, for the cooling index.")
    places: int = quantity(3, "1", 0, 50, "Named places (school yards) whose shade and heat are computed.")
