"""Kinds that say where people live, learn and meet: outline, districts, residents, buildings, schools."""

from __future__ import annotations

from geodata.kinds.model import Column, Kind, identifier, number, text, titles

SCHOOL_TYPES = ("kindergarten", "basic", "gymnasium", "vocational", "hobby", "university", "other")

BOUNDARY = Kind(
    "boundary",
    titles("Boundary", "Piir", "Raja"),
    "The outline of the city, one row.",
    (identifier("name", "The city's official name."),),
    geometry="polygon",
    key=("name",),
)

DISTRICTS = Kind(
    "districts",
    titles("Districts", "Asumid", "Kaupunginosat"),
    "A district, sub-district, village or neighbourhood by which results are reported.",
    (
        identifier("district_id", "Official code, or the folded name where there is none."),
        text("name", "Name in the local language.", required=True),
        text("part_of", "The larger district it belongs to."),
        number("population", "1", "Residents.", 0, 5e6),
    ),
    geometry="polygon",
    key=("district_id",),
    disjoint=True,
)

POPULATION = Kind(
    "population",
    titles("Population", "Rahvastik", "Väestö"),
    "A cell, block or district with its residents.",
    (
        identifier("cell_id", "Cell of the statistical grid, or the area's code."),
        number("population", "1", "Residents.", 0, 5e6, required=True),
        number("population_0_9", "1", "Residents aged 0 to 9.", 0, 5e6),
        number("population_10_19", "1", "Residents aged 10 to 19.", 0, 5e6),
        number("population_20_59", "1", "Residents aged 20 to 59.", 0, 5e6),
        number("population_60_69", "1", "Residents aged 60 to 69.", 0, 5e6),
        number("population_70_up", "1", "Residents aged 70 and more.", 0, 5e6),
        number("floor_space_m2_per_person", "m2", "Dwelling space per resident.", 0, 1000),
        number("heat_exposure_index", "1", "Mean heat exposure, 0 (none) to 1.", 0, 1),
    ),
    geometry="any",
    key=("cell_id",),
)

PERSONS = Kind(
    "persons",
    titles("Synthetic population", "Sünteetiline rahvastik", "Synteettinen väestö"),
    "One synthetic person; nobody real. Each column carries its own grade in the manifest.",
    (
        identifier("person_id", "Number of the synthetic person."),
        text("household_id", "Household the person belongs to."),
        text("district_id", "District of residence."),
        number("age", "a", "Age in years.", 0, 120),
        text("age_group", "Age group as the source codes it, e.g. 30-49."),
        text("sex", "female or male.", allowed=("female", "male")),
        text("occupation", "Main occupation status."),
        Column("licence", "boolean", "Holds a driving licence.", required=False, nullable=True),
        number("cars", "1", "Cars of the household.", 0, 20),
        number("income_eur", "EUR", "Monthly net income.", 0, 1e6),
        text("income_group", "Income per member of the household as the source codes it, e.g. average."),
    ),
    key=("person_id",),
)

BUILDINGS = Kind(
    "buildings",
    titles("Buildings", "Hooned", "Rakennukset"),
    "A building's footprint with what is known of its size, use and age.",
    (
        identifier("building_id", "Register number or source identifier."),
        text("name", "Name."),
        text("use", "Use as the source codes it, e.g. school, apartments."),
        number("height_m", "m", "Height of the highest roof above the ground.", 0, 400),
        number("levels", "1", "Storeys above ground.", 0, 120),
        number("ground_elevation_m", "m", "Elevation of the ground.", -50, 3000),
        number("year_built", "a", "Year of completion.", 1000, 2100),
        number("floor_area_m2", "m2", "Gross floor area.", 0, 2e6),
        number("dwellings", "1", "Dwellings in the building.", 0, 5000),
    ),
    geometry="polygon",
    key=("building_id",),
)

SCHOOLS = Kind(
    "schools",
    titles("Educational buildings", "Haridushooned", "Oppilaitokset"),
    "A school, kindergarten or campus building.",
    (
        identifier("school_id", "Register number."),
        text("name", "Name.", required=True),
        text("address", "Address."),
        text("operator", "Who runs it, e.g. city or TalTech."),
        text("school_type", "Type of education.", allowed=SCHOOL_TYPES),
        number("pupils", "1", "Pupils or students.", 0, 20000),
        number("floor_area_m2", "m2", "Heated floor area.", 0, 5e5),
        number("year_built", "a", "Year of completion.", 1000, 2100),
    ),
    geometry="point",
    key=("school_id",),
)

PLACES = Kind(
    "places",
    titles("Places", "Kohad", "Paikat"),
    "A place that people go to or that a map names: a shop, a café, a library, a village.",
    (
        identifier("place_id", "Identifier in the source."),
        text("name", "Name."),
        text("category", "What it is, e.g. shop, amenity, leisure.", required=True),
        text("subcategory", "What it is in more detail, e.g. supermarket."),
    ),
    geometry="point",
    key=("place_id",),
)

KINDS = (BOUNDARY, DISTRICTS, POPULATION, PERSONS, BUILDINGS, SCHOOLS, PLACES)
