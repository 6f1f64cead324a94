"""Kinds that say what grows and how the ground lies: green areas, trees, terrain, land cover."""

from __future__ import annotations

from geodata.kinds.model import Column, Kind, identifier, number, text, titles

GREEN_CLASSES = (
    "lawn",
    "meadow",
    "shrub",
    "forest",
    "park",
    "allotment",
    "cemetery",
    "pitch",
    "farmland",
    "wetland",
    "water",
    "other",
)

GREEN_AREAS = Kind(
    "green_areas",
    titles("Green areas", "Haljasalad", "Viheralueet"),
    "An area of vegetation or water.",
    (
        identifier("area_id", "Identifier in the source."),
        text("name", "Name."),
        text("green_class", "What covers it.", required=True, allowed=GREEN_CLASSES),
        Column("public", "boolean", "Open to everyone.", required=False, nullable=True),
    ),
    geometry="polygon",
    key=("area_id",),
)

TREES = Kind(
    "trees",
    titles("Trees", "Puud", "Puut"),
    "A single tree.",
    (
        identifier("tree_id", "Identifier in the source."),
        text("species", "Botanical name, as far as known."),
        text("leaf_type", "Leaves.", allowed=("broadleaved", "needleleaved")),
        number("height_m", "m", "Height.", 0, 120),
        number("dbh_cm", "cm", "Stem diameter at breast height.", 0, 500),
        number("crown_diameter_m", "m", "Crown diameter.", 0, 60),
        text("condition", "Condition.", allowed=("good", "fair", "poor", "dead")),
        number("year_planted", "a", "Year of planting.", 1400, 2100),
    ),
    geometry="point",
    key=("tree_id",),
)

GREEN_VIEW = Kind(
    "green_view",
    titles("Green view", "Roheline vaade", "Vihernäkymä"),
    "How much green is seen from a point on a street.",
    (
        identifier("point_id", "Point or panorama."),
        number("green_view_percent", "%", "Share of the view that is vegetation.", 0, 100, required=True),
        text("month", "Month of the picture, e.g. 2011-08."),
    ),
    geometry="point",
    key=("point_id",),
)

TERRAIN = Kind(
    "terrain",
    titles("Terrain", "Maapind", "Maasto"),
    "Elevation of the ground on a regular grid in the pack's CRS; dimensions y and x.",
    (Column("elevation_m", "number", "Elevation above sea level.", "m", low=-100, high=5000),),
    form="cube",
)

LAND_COVER = Kind(
    "land_cover",
    titles("Land cover", "Maakate", "Maanpeite"),
    "A patch of one cover, or a cell with the shares of several.",
    (
        identifier("patch_id", "Patch or cell."),
        text("cover_class", "Class, e.g. the CORINE code.", required=True),
        text("label", "The class in words."),
        number("residential_share", "1", "Share of the cell built for dwelling.", 0, 1),
        number("office_share", "1", "Share of the cell built for offices and services.", 0, 1),
        number("manufacturing_share", "1", "Share of the cell built for industry.", 0, 1),
    ),
    geometry="polygon",
    key=("patch_id",),
)

KINDS = (GREEN_AREAS, TREES, GREEN_VIEW, TERRAIN, LAND_COVER)
