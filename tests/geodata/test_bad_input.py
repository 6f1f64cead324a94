"""Whatever is wrong with a source gives an error or a line that names file, row, field and value."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box
from village import EAST, NORTH, SOUTH, WEST, Village, dataset, lonlat

from geodata.cleaning.report import DatasetReport, Reason
from geodata.errors import InvalidData, InvalidInput, UnreadableSource

STOPS = 'geometry = { x = "lon", y = "lat", crs = "EPSG:4326" }'
HOURS = 'columns.time = { from = "time", timezone = "Europe/Tallinn" }'


def stops(count: int) -> list[str]:
    """Lines of a CSV file of stops on the village's diagonal."""
    steps = np.linspace(0.1, 0.9, count)
    places = [lonlat(WEST + (EAST - WEST) * step, SOUTH + (NORTH - SOUTH) * step) for step in steps]
    return ["stop_id,name,lon,lat"] + [f"s{n},Stop {n},{x},{y}" for n, (x, y) in enumerate(places, 1)]


def hourly(first: str, count: int) -> list[str]:
    """Lines of a CSV file of hourly temperatures, in UTC as ISO 8601."""
    times = pd.date_range(first, periods=count, freq="h", tz="UTC")
    return ["time,temperature_c"] + [f"{time.isoformat()},{5 + n % 7}" for n, time in enumerate(times)]


def report_of(village: Village, text: str, name: str) -> DatasetReport:
    """Build, and give the account of one dataset; its rows must add up."""
    report = village.build(text)
    for item in report.cleaning.datasets:
        assert item.rows_read == item.rows_kept + item.rows_dropped
    return next(item for item in report.cleaning.datasets if item.dataset == name)


def reason(report: DatasetReport, words: str) -> Reason:
    """The reason that holds these words."""
    found = [item for item in (*report.dropped, *report.repaired) if words in item.reason]
    assert found, [item.reason for item in (*report.dropped, *report.repaired)]
    return found[0]


def test_missing_file(village: Village) -> None:
    with pytest.raises(UnreadableSource, match="not there") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.file == "stops.csv"


def test_empty_file(village: Village) -> None:
    village.put("stops.csv", "")
    with pytest.raises(UnreadableSource, match="empty") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.file == "stops.csv"


def test_enormous_file_is_refused_before_it_is_read(village: Village) -> None:
    village.put("stops.csv", "\n".join(stops(200)))
    text = dataset("stops", "csv", "stops.csv", STOPS).replace(
        'path = "stops.csv"', 'path = "stops.csv"\nmax_mb = 0.001'
    )
    with pytest.raises(UnreadableSource, match="larger than the recipe allows") as caught:
        village.build(text)
    assert caught.value.field == "max_mb"


def test_truncated_table_names_its_last_row(village: Village) -> None:
    whole = "\n".join(stops(40))
    village.put("stops.csv", whole[: whole.rindex(",")])
    report = report_of(village, dataset("stops", "csv", "stops.csv", STOPS), "stops")
    cut = reason(report, "not as many cells as columns")
    assert (report.rows_kept, cut.rows, cut.examples[0].row) == (39, 1, "40")
    assert cut.examples[0].expected == "4 cells"


def test_quote_that_never_closes(village: Village) -> None:
    lines = stops(10)
    lines[4] = lines[4].replace("Stop 4", '"Stop 4')
    village.put("stops.csv", "\n".join(lines))
    with pytest.raises(UnreadableSource, match="opened and not closed") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.row == "5 (line)"


@pytest.mark.parametrize(
    ("name", "reader"), [("a.gpkg", "vector"), ("a.tif", "geotiff"), ("a.osm.pbf", "osm_pbf")]
)
def test_corrupt_file_of_a_binary_format(village: Village, name: str, reader: str) -> None:
    village.put(name, bytes(np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8)))
    if reader == "geotiff":
        text = dataset("terrain", reader, name)
    elif reader == "osm_pbf":
        text = dataset("trees", reader, name, options='{ match = ["natural=tree"], geometry = "point" }')
    else:
        text = dataset("stops", reader, name)
    with pytest.raises(UnreadableSource) as caught:
        village.build(text)
    assert caught.value.file == name


def test_truncated_geopackage(village: Village) -> None:
    places = gpd.GeoDataFrame(
        {"stop_id": range(4000), "name": ["a" * 50] * 4000},
        geometry=[Point(WEST + 1, SOUTH + 1)] * 4000,
        crs=3301,
    )
    path = village.frame("stops.gpkg", places)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(UnreadableSource, match=r"truncated|damaged") as caught:
        village.build(dataset("stops", "vector", "stops.gpkg"))
    assert caught.value.file == "stops.gpkg"


def test_truncated_geojson(village: Village) -> None:
    places = gpd.GeoDataFrame(
        {"stop_id": ["a", "b"], "name": ["A", "B"]}, geometry=[Point(26.6, 58.3)] * 2, crs=4326
    )
    path = village.frame("stops.geojson", places)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableSource):
        village.build(dataset("stops", "vector", "stops.geojson"))


def test_other_encoding_names_line_and_what_would_fit(village: Village) -> None:
    lines = stops(12)
    lines[7] = lines[7].replace("Stop 7", "Mõisaküla")
    village.put("stops.csv", "\n".join(lines).encode("cp1252"))
    with pytest.raises(UnreadableSource, match="not encoded in utf-8") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.row == "8 (line)"
    assert "cp125" in str(caught.value.hint)


def test_utf8_declared_as_something_else_is_found_in_the_names(village: Village) -> None:
    lines = stops(12)
    lines[7] = lines[7].replace("Stop 7", "Tähtvere")
    village.put("stops.csv", "\n".join(lines))
    with pytest.raises(InvalidData, match="wrong encoding") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS, options='{ encoding = "cp1252" }'))
    assert (caught.value.row, caught.value.field, caught.value.value) == (7, "name", "TÃ¤htvere")


def test_file_in_another_crs_than_the_recipe_says(village: Village) -> None:
    places = gpd.GeoDataFrame({"stop_id": ["a"], "name": ["A"]}, geometry=[Point(500000, 6000000)], crs=3067)
    village.frame("stops.gpkg", places)
    with pytest.raises(InvalidInput, match="CRS is not the recipe's") as caught:
        village.build(dataset("stops", "vector", "stops.gpkg", 'geometry = { crs = "EPSG:3301" }'))
    assert caught.value.value == "EPSG:3067"


def test_wrong_crs_names_the_one_that_would_fit(village: Village) -> None:
    village.put(
        "stops.csv",
        "stop_id,name,lon,lat\n" + "".join(f"s{n},S,{WEST + n},{SOUTH + n}\n" for n in range(1, 9)),
    )
    with pytest.raises(
        InvalidData, match="no row lies in Village: they would if their CRS were EPSG:3301"
    ) as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS.replace("4326", "3067")))
    assert (caught.value.file, caught.value.row, caught.value.field) == ("stops.csv", 1, "geometry")


def test_metres_declared_as_degrees(village: Village) -> None:
    village.put(
        "stops.csv",
        "stop_id,name,lon,lat\n" + "".join(f"s{n},S,{WEST + n},{SOUTH + n}\n" for n in range(1, 9)),
    )
    with pytest.raises(InvalidData, match="no longitude and latitude"):
        village.build(dataset("stops", "csv", "stops.csv", STOPS))


def test_file_with_swapped_coordinates(village: Village) -> None:
    village.put("stops.csv", "\n".join(stops(20)))
    swapped = STOPS.replace('x = "lon", y = "lat"', 'x = "lat", y = "lon"')
    with pytest.raises(InvalidData, match="x and y are exchanged") as caught:
        village.build(dataset("stops", "csv", "stops.csv", swapped))
    assert "longitude 26." in str(caught.value.expected)


def test_single_rows_with_swapped_coordinates(village: Village) -> None:
    lines = stops(60)
    name, title, lon, lat = lines[17].split(",")
    lines[17] = f"{name},{title},{lat},{lon}"
    village.put("stops.csv", "\n".join(lines))
    report = report_of(village, dataset("stops", "csv", "stops.csv", STOPS), "stops")
    swapped = reason(report, "exchanged")
    assert (report.rows_kept, swapped.rows, swapped.examples[0].row) == (59, 1, "17")


def test_places_that_were_never_filled_in(village: Village) -> None:
    lines = [*stops(40), "s41,Nowhere,0,0", "s42,Blank,,", "s43,Word,here,58.3", "s44,Infinite,inf,58.3"]
    village.put("stops.csv", "\n".join(lines))
    text = dataset("stops", "csv", "stops.csv", STOPS + "\nmost_faulty = 0.2")
    report = report_of(village, text, "stops")
    assert report.rows_kept == 40
    assert reason(report, "0, 0").examples[0].row == "41"
    told = {
        example.row
        for item in report.dropped
        if "not a coordinate" in item.reason
        for example in item.examples
    }
    assert told == {"42", "43", "44"}


def test_missing_column_names_those_that_are_there(village: Village) -> None:
    village.put("stops.csv", "\n".join(stops(3)))
    text = dataset("stops", "csv", "stops.csv", STOPS + '\ncolumns.name = "title"')
    with pytest.raises(InvalidInput, match="lacks a column") as caught:
        village.build(text)
    assert (caught.value.file, caught.value.field) == ("stops.csv", "title")
    assert "stop_id, name, lon, lat" in str(caught.value.expected)


def test_required_column_that_nothing_makes(village: Village) -> None:
    lines = [line.replace(",Stop", ",#").split(",") for line in stops(3)]
    village.put("stops.csv", "\n".join(",".join([first, *rest[1:]]) for first, *rest in lines))
    with pytest.raises(InvalidData, match="column of the kind stops is missing") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.field == "name"


def test_duplicate_keys(village: Village) -> None:
    lines = stops(60)
    village.put("stops.csv", "\n".join([*lines, lines[3], lines[5].replace("Stop 5", "Other name")]))
    report = report_of(village, dataset("stops", "csv", "stops.csv", STOPS), "stops")
    assert reason(report, "same row again").examples[0].row == "61"
    other = reason(report, "same key with other values")
    assert (other.examples[0].row, other.examples[0].field, other.examples[0].value) == (
        "62",
        "stop_id",
        "s5",
    )
    assert report.rows_kept == 60


def test_too_much_wrong_stops_the_build(village: Village) -> None:
    lines = stops(20)
    village.put("stops.csv", "\n".join([*lines, *(f"s{n},N,0,0" for n in range(30, 40))]))
    with pytest.raises(InvalidData, match="10 of 30 rows are wrong") as caught:
        village.build(dataset("stops", "csv", "stops.csv", STOPS))
    assert caught.value.row == "21"


def test_overlapping_districts(village: Village) -> None:
    areas = [box(WEST, SOUTH, WEST + 3000, NORTH), box(WEST + 2000, SOUTH, EAST, NORTH)]
    village.frame(
        "d.gpkg", gpd.GeoDataFrame({"district_id": ["a", "b"], "name": ["A", "B"]}, geometry=areas, crs=3301)
    )
    with pytest.raises(InvalidData, match="two areas overlap by 10 km2") as caught:
        village.build(dataset("districts", "vector", "d.gpkg"))
    assert (caught.value.row, caught.value.value) == (2, "b and a")


def test_slivers_of_overlap_are_cut_away(village: Village) -> None:
    middle = (WEST + EAST) / 2
    areas = [box(WEST, SOUTH, middle, NORTH), box(middle - 0.2, SOUTH, EAST, NORTH)]
    village.frame(
        "d.gpkg", gpd.GeoDataFrame({"district_id": ["a", "b"], "name": ["A", "B"]}, geometry=areas, crs=3301)
    )
    built = village.build(dataset("districts", "vector", "d.gpkg"))
    districts = built.pack.features("districts")
    assert districts.geometry.iloc[0].intersection(districts.geometry.iloc[1]).area == 0
    assert reason(built.cleaning.datasets[1], "sliver").rows == 1


def test_broken_outline_is_mended_and_said(village: Village) -> None:
    eight = Polygon([(WEST, SOUTH), (WEST + 100, SOUTH + 100), (WEST + 100, SOUTH), (WEST, SOUTH + 100)])
    areas = gpd.GeoDataFrame({"area_id": ["8"], "green_class": ["park"]}, geometry=[eight], crs=3301)
    village.frame("g.gpkg", areas)
    built = village.build(dataset("green_areas", "vector", "g.gpkg"))
    mended = reason(built.cleaning.datasets[1], "made valid")
    assert "Self-intersection" in str(mended.examples[0].value)
    assert built.pack.features("green_areas").is_valid.all()
    assert built.pack.features("green_areas").area.sum() == pytest.approx(5000)


def test_non_finite_numbers(village: Village) -> None:
    lines = hourly("2026-01-01", 100)
    lines[10], lines[20], lines[30] = (
        lines[n].rsplit(",", 1)[0] + cell for n, cell in ((10, ",inf"), (20, ",nan"), (30, ",x"))
    )
    village.put("w.csv", "\n".join(lines))
    report = report_of(village, dataset("weather", "csv", "w.csv"), "weather")
    assert reason(report, "not a finite number").examples[0].row == "10"
    assert {example.row for item in report.dropped for example in item.examples} == {"10", "20", "30"}
    assert reason(report, "not a number").examples[-1].value == "x"


def test_optional_cell_that_is_wrong_is_emptied_and_the_row_stays(village: Village) -> None:
    lines = [
        line + (",wind_speed_m_s" if n == 0 else ",3.5") for n, line in enumerate(hourly("2026-01-01", 50))
    ]
    lines[7] = lines[7].replace(",3.5", ",999")
    village.put("w.csv", "\n".join(lines))
    built = village.build(dataset("weather", "csv", "w.csv"))
    report = built.cleaning.datasets[1]
    emptied = reason(report, "too large: cell emptied")
    assert (report.rows_kept, report.rows_repaired, emptied.examples[0].row) == (50, 1, "7")
    assert emptied.examples[0].expected == "a number between 0 and 75 m/s"
    assert built.pack.table("weather")["wind_speed_m_s"].isna().sum() == 1


@pytest.mark.parametrize(("factor", "offset", "unit"), [(1.8, 32.0, "degF"), (1.0, 273.15, "kelvin")])
def test_unit_mistake_names_the_unit(village: Village, factor: float, offset: float, unit: str) -> None:
    times = pd.date_range("2026-06-01", periods=200, freq="h", tz="UTC")
    celsius = 16 + 6 * np.sin(np.arange(200))
    lines = [
        f"{time.isoformat()},{value * factor + offset}" for time, value in zip(times, celsius, strict=True)
    ]
    village.put("w.csv", "\n".join(["time,temperature_c", *lines]))
    with pytest.raises(InvalidData, match="speak of another unit") as caught:
        village.build(dataset("weather", "csv", "w.csv"))
    assert caught.value.field == "temperature_c"
    assert unit in str(caught.value.hint)
    built = village.build(
        dataset(
            "weather",
            "csv",
            "w.csv",
            f'columns.temperature_c = {{ from = "temperature_c", unit = "{unit}" }}',
        )
    )
    assert built.pack.table("weather")["temperature_c"].mean() == pytest.approx(celsius.mean())


def test_price_in_cents(village: Village) -> None:
    times = pd.date_range("2026-01-01", periods=200, freq="h", tz="UTC")
    village.put(
        "p.csv",
        "\n".join(
            ["time,price_eur_per_mwh", *(f"{time.isoformat()},{4 + n % 5}" for n, time in enumerate(times))]
        ),
    )
    with pytest.raises(InvalidData, match="another unit") as caught:
        village.build(dataset("prices", "csv", "p.csv"))
    assert "cent/kWh" in str(caught.value.hint)


def test_series_with_gap_and_duplicates(village: Village) -> None:
    lines = hourly("2026-01-01", 100)
    village.put(
        "w.csv", "\n".join([*lines[:40], *lines[43:], lines[9], lines[12].rsplit(",", 1)[0] + ",9.5"])
    )
    report = report_of(village, dataset("weather", "csv", "w.csv"), "weather")
    assert reason(report, "same row again").rows == 1
    assert reason(report, "same key with other values").rows == 1
    assert "3 rows of 3600 s are missing in 1 gaps" in report.notes[0].text
    assert report.rows_written == 97


def test_short_gaps_are_filled_when_asked(village: Village) -> None:
    lines = hourly("2026-01-01", 100)
    village.put("w.csv", "\n".join([*lines[:40], *lines[43:60], *lines[70:]]))
    text = dataset("weather", "csv", "w.csv", "series = { fill_up_to_s = 10800.0 }")
    built = village.build(text)
    report = built.cleaning.datasets[1]
    assert (report.rows_kept, report.rows_written) == (87, 90)
    assert report.reshapes[0].step == "filled"
    before, after = 5 + 38 % 7, 5 + 42 % 7
    filled = built.pack.table("weather")["temperature_c"].to_numpy()[39:42]
    np.testing.assert_allclose(filled, before + (after - before) * np.array([0.25, 0.5, 0.75]))


def test_autumn_clock_change_keeps_both_hours(village: Village) -> None:
    """On 25 October 2026 the clocks of Tallinn show 03:00 to 04:00 twice."""
    local = pd.date_range("2026-10-24 20:00", periods=14, freq="h", tz="Europe/Tallinn").strftime(
        "%Y-%m-%d %H:%M"
    )
    assert local.duplicated().sum() == 1
    village.put(
        "w.csv", "\n".join(["time,temperature_c", *(f"{time},{n % 9}" for n, time in enumerate(local))])
    )
    built = village.build(dataset("weather", "csv", "w.csv", HOURS))
    times = built.pack.table("weather")["time"]
    assert built.cleaning.datasets[1].rows_kept == 14
    assert (times.diff().dropna() == pd.Timedelta(hours=1)).all()
    assert not built.cleaning.datasets[1].notes


def test_autumn_hour_that_is_there_once_leaves_a_gap_that_is_told(village: Village) -> None:
    local = (
        pd.date_range("2026-10-24 20:00", periods=14, freq="h", tz="Europe/Tallinn")
        .strftime("%Y-%m-%d %H:%M")
        .unique()
    )
    village.put(
        "w.csv", "\n".join(["time,temperature_c", *(f"{time},{n % 9}" for n, time in enumerate(local))])
    )
    report = report_of(village, dataset("weather", "csv", "w.csv", HOURS), "weather")
    assert "1 rows of 3600 s are missing" in report.notes[0].text


def test_hour_that_spring_skips(village: Village) -> None:
    """On 29 March 2026 the clocks of Tallinn go from 03:00 to 04:00."""
    naive = pd.date_range("2026-03-28 20:00", periods=30, freq="h").strftime("%Y-%m-%d %H:%M")
    village.put(
        "w.csv", "\n".join(["time,temperature_c", *(f"{time},{n % 9}" for n, time in enumerate(naive))])
    )
    report = report_of(village, dataset("weather", "csv", "w.csv", HOURS), "weather")
    skipped = reason(report, "skip in spring")
    assert (skipped.rows, skipped.examples[0].row, skipped.examples[0].value) == (1, "8", "2026-03-29 03:00")


def test_times_without_a_zone(village: Village) -> None:
    village.put("w.csv", "time,temperature_c\n2026-01-01 00:00,5\n2026-01-01 01:00,5\n")
    with pytest.raises(InvalidInput, match="do not name their zone") as caught:
        village.build(dataset("weather", "csv", "w.csv"))
    assert (caught.value.field, caught.value.value) == ("time", "2026-01-01 00:00")


def test_more_residents_than_an_area_can_house(village: Village) -> None:
    cells = [box(WEST + n * 250, SOUTH, WEST + (n + 1) * 250, SOUTH + 250) for n in range(40)]
    people = [200.0] * 39 + [31_470.0]
    village.frame(
        "p.gpkg",
        gpd.GeoDataFrame(
            {"cell_id": [f"c{n}" for n in range(40)], "population": people}, geometry=cells, crs=3301
        ),
    )
    report = report_of(village, dataset("population", "vector", "p.gpkg"), "population")
    crowded = reason(report, "more residents")
    assert (crowded.examples[0].row, crowded.examples[0].value) == ("40", "31470.0")


def test_ride_that_ends_where_it_begins(village: Village) -> None:
    rows = "".join(f"a{n},b{n},l,60\n" for n in range(50)) + "x,x,l,60\n"
    village.put("r.csv", "from_stop_id,to_stop_id,line_id,travel_time_s\n" + rows)
    report = report_of(village, dataset("rides", "csv", "r.csv"), "rides")
    assert reason(report, "same as from_stop_id").examples[0].row == "51"


def test_former_pack_stays_whole_when_a_build_fails(village: Village) -> None:
    village.put("stops.csv", "\n".join(stops(20)))
    text = dataset("stops", "csv", "stops.csv", STOPS)
    before = village.build(text).pack.hash
    files = {path.name: path.stat().st_mtime_ns for path in village.pack.iterdir()}
    village.put("stops.csv", "\n".join(stops(3))[:-15] + '"')
    with pytest.raises(UnreadableSource):
        village.build(text)
    assert {path.name: path.stat().st_mtime_ns for path in village.pack.iterdir()} == files
    from geodata.pack import open_pack

    pack = open_pack(village.pack)
    pack.verify()
    assert pack.hash == before


def test_errors_of_packed_files_name_the_archive(village: Village, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(village.put("feed.zip", b"x").with_suffix(".zip"), "w") as archive:
        archive.writestr("stops.csv", "stop_id,name\n\xe4".encode("latin-1"))
    with pytest.raises(UnreadableSource) as caught:
        village.build(dataset("stops", "csv", "feed.zip", STOPS))
    assert caught.value.file == "feed.zip"
    assert str(tmp_path) not in str(caught.value)
