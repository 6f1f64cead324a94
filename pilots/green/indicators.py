"""The key performance indicators of the green pilot: unit, direction, definition and source."""

from __future__ import annotations

from twin.pilot import Better, Kpi

_LAW = "Regulation (EU) 2024/1991, article 8"
_UTD = "Urban Tree Database, McPherson and others 2016"
_NOWAK = "Nowak and others 2013, Environ. Pollut. 178:395-402"
_UFORE = "UFORE-D: Baldocchi and others 1987; Hirabayashi and others 2012"
_TUV = "Lindberg and others 2008 (SOLWEIG family); six-direction method"
_RULE = "Konijnendijk 2023, J. For. Res. 34:821-830"
_INVEST = "InVEST, Natural Capital Project"
_ITREE = "i-Tree Eco; McHale and others 2009"
_PHENO = "Basler 2016; PhenoCam"
_OWN = "this pilot"

# id, title, unit, better, definition, source
_ROWS: tuple[tuple[str, str, str, Better, str, str], ...] = (
    ("tree_canopy_cover", "Tree canopy cover", "%", "higher",
     "union of crown projections of trees above 2 m, and 85 % of forest, over land, at the end", _LAW),
    ("tree_canopy_change", "Change of canopy cover", "pp", "higher", "end less start of the run", _LAW),
    ("canopy_2030_against_base", "Canopy in 2030 against the base", "pp", "higher",
     "canopy cover at the end of 2030 less that of the first year of the run (which stands for 2024); NaN if the "
     "run ends before", _LAW),
    ("urban_green_space_share", "Green space", "%", "higher", "green areas over land", _LAW),
    ("trees_alive", "Living trees", "1", "higher", "trees at the end", _OWN),
    ("crown_volume", "Crown volume", "m3", "higher", "sum of pi/6 D2 H of crowns at the end", "CityGML"),
    ("leaf_area", "Leaf area", "ha", "higher", "one-sided leaf area in full leaf at the end", _UTD),
    ("leaf_area_index", "Leaf area index of crowns", "1", "higher", "leaf area over crown area at the end", _UTD),
    ("leaf_on_day", "First leaf", "d", "neither", "day of the year, mean over the run", _PHENO),
    ("leaf_off_day", "First leaf fall", "d", "neither", "day of the year, mean over the run", _PHENO),
    ("season_length", "Season in leaf", "d", "neither", "first leaf to first leaf fall", _PHENO),
    ("carbon_stored", "Carbon stored", "t", "higher", "carbon in wood and roots of living trees at the end", _ITREE),
    ("carbon_sequestration_gross", "Carbon taken up", "t/a", "higher",
     "growth of living trees a year, mean over the run", _ITREE),
    ("carbon_sequestration_net", "Net carbon uptake", "t/a", "higher",
     "gross uptake less decay of dead wood, mean over the run", _ITREE),
    ("mortality", "Mortality", "%/a", "lower", "trees that died over living trees and years", _OWN),
    ("drought_stress_days", "Days of drought stress", "d/a", "lower",
     "days with a soil-water stress coefficient below 0.7, mean over the run", "FAO-56, chapter 8"),
    ("rain_interception", "Rain held by crowns", "m3/a", "higher", "rain that evaporates from crowns at the end", _NOWAK),
    ("cloudburst_runoff_avoided", "Cloudburst runoff avoided by crowns", "m3", "higher",
     "curve-number runoff of the cloudburst without crowns less that with them", "USDA TR-55; InVEST"),
    ("cloudburst_retention", "Cloudburst retained", "%", "higher", "share of the cloudburst that does not run off", "USDA TR-55; InVEST"),
    ("pm25_removed", "Fine particles removed", "kg/a", "higher", "net deposition on leaves at the end", _NOWAK),
    ("ozone_removed", "Ozone removed", "kg/a", "higher", "uptake through stomata and surfaces at the end", _UFORE),
    ("nitrogen_dioxide_removed", "Nitrogen dioxide removed", "kg/a", "higher", "uptake through stomata and surfaces at the end", _UFORE),
    ("shade_10_16h_summer", "Shade in school yards in summer", "%", "higher",
     "share of yard and time in shade, 10 to 16 h of the sun, on a hot sunny day at the end", _TUV),
    ("shade_10_16h_winter", "Shade in school yards in winter", "%", "lower", "the same on a sunny winter day", _TUV),
    ("tmrt_mean", "Mean radiant temperature of yards", "Cel", "lower", "mean over yards, 10 to 16 h of a hot sunny day", _TUV),
    ("tmrt_p95", "Hottest parts of yards", "Cel", "lower", "95th percentile over the yard, same hours", _TUV),
    ("tmrt_reduction", "Radiant heat taken off by trees", "K", "higher", "mean radiant temperature without trees less with them", _TUV),
    ("utci_heat_stress_hours", "Hours of strong heat stress", "h/d", "lower", "hours with UTCI above 32 on the hot day", "Broede and others 2012"),
    ("cooling_index", "Cooling index", "1", "higher", "mean heat mitigation index of the land", _INVEST),
    ("air_temperature_difference", "Air temperature made by canopies", "K", "lower",
     "index temperature with canopies less without; an index, no forecast", _INVEST),
    ("share_seeing_3_trees", "Homes that see three trees", "%", "higher", "three trees within 40 m in free view", _RULE),
    ("share_30pct_canopy", "Homes with 30 % canopy around", "%", "higher", "canopy within 250 m (district where trees are a density)", _RULE),
    ("share_300m_park", "Homes with a park within 300 m", "%", "higher", "half a hectare of green within 300 m along streets", _RULE),
    ("nature_balance", "Green on offer less demand", "m2", "higher",
     "two-step floating catchment along streets within 1 km, less 9 m2 per person", "Luo and Wang 2003; InVEST"),
    ("largest_species_share", "Commonest species", "%", "lower", "share of the commonest species at the end", "Santamour 1990"),
    ("largest_genus_share", "Commonest genus", "%", "lower", "share of the commonest genus at the end", "Santamour 1990"),
    ("shannon_diversity", "Species diversity", "1", "higher", "Shannon's index over species at the end", "Shannon 1948"),
    ("break_even_year_canopy", "Replacements match the canopy", "a", "lower",
     "first year in which replacements have the crown area of the felled trees had they stayed; NaN if never in the run", _OWN),
    ("break_even_year_carbon", "Replacements match the carbon", "a", "lower", "the same for carbon", _OWN),
    ("break_even_year_shade", "Replacements match the shade", "a", "lower", "the same for leaf area, which makes the shade", _OWN),
    ("replacement_ratio_end", "Replacements needed for each felled tree", "1", "lower",
     "trees of the chosen grade per felled tree that would match its crown area at the end of the run", _OWN),
)  # fmt: skip

KPIS = tuple(Kpi(*row) for row in _ROWS)
