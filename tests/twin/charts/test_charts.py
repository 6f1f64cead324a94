"""Charts are drawn from any result, say what they show, and are the same each time."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from geodata.errors import UnknownName
from twin.charts import (
    charts_of,
    charts_of_sweep,
    district_map,
    frontier,
    kpi_comparison,
    pack_map,
    time_series,
    write,
)
from twin.charts.indicators import label
from twin.charts.maps import _round_length, areas
from twin.charts.series import DENSE
from twin.charts.sweeps import unbeaten
from twin.ensemble import Sweep
from twin.result import COLUMNS, Result


def texts(figure: Figure) -> str:
    """Everything that is written on a figure."""
    return "\n".join(item.get_text() for item in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def city(name, demo):
    names = {"metsa": "Metsa", "jarve": "Järve"}
    about = {
        "id": name,
        "names": {"en": names[name]},
        "timezone": "Europe/Tallinn",
        "country": "EE",
        "crs": "EPSG:3301",
    }
    return {"city": about, "demo": demo, "pack_sha256": "0" * 64}


KPI = {"definition": "sum", "source": "test"}
MANIFEST = {
    "run_id": "lanterns-jarve+metsa-0123456789",
    "verdict": {"rule_id": "finest-2020", "eligible": True},
    "plan": {
        "cities": [city("jarve", demo=True), city("metsa", demo=False)],
        "start": "2026-03-01T22:00:00Z",
        "days": 2,
        "seed": 7,
        "replications": 5,
    },
    "pilots": {
        "lanterns": {
            "title": "Street lanterns",
            "kpis": {
                "oil": {"title": "Oil burnt", "unit": "l", "better": "lower", **KPI},
                "complaints": {"title": "Complaints", "unit": "1", "better": "neither", **KPI},
            },
        }
    },
    "data": {
        "jarve": [{"attribution": "© Maa-amet"}],
        "metsa": [{"attribution": "© Maa-amet"}, {"attribution": "OSM"}],
    },
}


def simulated(steps=48, districts=("d0", "d1")):
    time = np.datetime64("2026-03-01T22:00", "ns") + np.arange(steps) * np.timedelta64(3600, "s")
    return xr.Dataset(
        {
            "oil": (("district",), [1.5, np.nan][: len(districts)], {"units": "l"}),
            "lit": (("time",), np.sin(np.arange(steps)), {"units": "kW", "long_name": "power of light"}),
            "field": (("time", "district"), np.zeros((steps, len(districts))), {"units": "1"}),
        },
        coords={"time": time, "district": list(districts)},
    )


@pytest.fixture
def result():
    nan = float("nan")
    rows = [
        ("lanterns", "jarve", "oil", 12.0, "l", "lower", 10.0, 14.0),
        ("lanterns", "jarve", "complaints", nan, "1", "neither", nan, nan),
        ("lanterns", "metsa", "oil", 1234.5, "l", "lower", 1200.0, 1269.0),
        ("lanterns", "metsa", "complaints", nan, "1", "neither", nan, nan),
    ]
    data = xr.DataTree.from_dict({f"/lanterns/{name}": simulated() for name in ("jarve", "metsa")})
    return Result(pd.DataFrame(rows, columns=list(COLUMNS)), data, MANIFEST)


def test_a_comparison_shows_values_units_directions_and_intervals(result):
    figure = kpi_comparison(result, "lanterns")
    said = texts(figure)
    for text in ("Oil burnt", "l, lower is better ↓", "12", "1,234", "no value", "Järve", "Metsa", "seed 7"):
        assert text in said
    spans = [line for axes in figure.axes for line in axes.collections]
    assert sorted(float(path.vertices[0][0]) for line in spans for path in line.get_paths()) == [10.0, 1200.0]


def test_every_chart_carries_sources_and_the_stamp_of_generated_cities(result, mapped_packs):
    figures = charts_of(result, mapped_packs)
    assert set(figures) == {"lanterns-indicators", "lanterns-map-oil", "lanterns-series-1"}
    for figure in figures.values():
        said = texts(figure)
        assert "SYNTHETIC DEMO DATA: Järve" in said
        assert "Metsa" not in said.partition("SYNTHETIC DEMO DATA:")[2].splitlines()[0]
        assert "© Maa-amet; OSM" in said
        assert "lanterns-jarve+metsa-0123456789" in said
        assert "2026-03-02" in said  # The city's calendar, not that of UTC.


def test_no_stamp_where_nothing_is_generated(result):
    plan = {**MANIFEST["plan"], "cities": [city("jarve", demo=False), city("metsa", demo=False)]}
    assert "SYNTHETIC" not in texts(
        kpi_comparison(replace(result, manifest={**MANIFEST, "plan": plan}), "lanterns")
    )


def test_maps_and_series_say_that_they_show_one_replication(result, mapped_packs):
    assert "first of 5 replications" in texts(district_map(result, "lanterns", "oil", mapped_packs))
    assert "first of 5 replications" in texts(next(time_series(result, "lanterns")))
    assert "first of" not in texts(kpi_comparison(result, "lanterns"))


def test_a_map_has_one_scale_names_districts_and_counts_those_without_value(result, mapped_packs):
    said = texts(district_map(result, "lanterns", "oil", mapped_packs))
    assert "Lõuna\n1.5" in said
    assert "hatched: no value (1)" in said
    assert "l, lower is better ↓" in said


@pytest.mark.parametrize(
    ("values", "limits"), [([1.0, 3.0], (1, 3)), ([-1.0, 3.0], (-3, 3)), ([2.0, 2.0], (2, 3))]
)
def test_a_map_that_crosses_zero_is_even_on_both_sides_of_it(result, mapped_packs, values, limits):
    tree = xr.DataTree.from_dict({f"/lanterns/{name}": simulated() for name in ("jarve", "metsa")})
    for name in ("jarve", "metsa"):
        tree[f"lanterns/{name}"]["oil"][:] = values
    figure = district_map(replace(result, data=tree), "lanterns", "oil", mapped_packs)
    assert figure.axes[-1].get_ylim() == limits


def test_a_map_without_districts_or_values_is_refused(result):
    with pytest.raises(UnknownName, match="outlines"):
        district_map(result, "lanterns", "oil", {})
    assert "lanterns-map-oil" not in charts_of(result, {})


def test_series_show_local_time_units_and_each_variable_of_time_alone(result):
    (figure,) = time_series(result, "lanterns")
    said = texts(figure)
    assert "Power of light" in said
    assert "kW" in said
    assert "time of Europe/Tallinn" in said
    assert len(figure.axes) == 1


def test_a_long_series_is_drawn_as_days_within_their_range(result):
    tree = xr.DataTree.from_dict({f"/lanterns/{name}": simulated(DENSE + 1) for name in ("jarve", "metsa")})
    (figure,) = time_series(replace(result, data=tree), "lanterns")
    assert "daily means" in texts(figure)
    assert all(len(line.get_xdata()) < 70 for line in figure.axes[0].lines)
    assert len(figure.axes[0].collections) == 2


def test_a_pack_is_drawn_with_what_it_holds(mapped_packs):
    said = texts(pack_map(mapped_packs["jarve"]))
    for text in (
        "districts (2)",
        "green areas (1)",
        "water (1)",
        "stops (3)",
        "SYNTHETIC DEMO DATA: Järve",
        "© Maa-amet",
    ):
        assert text in said
    assert "streets" not in said


def test_a_pack_without_geometry_cannot_be_drawn(series_pack):
    with pytest.raises(UnknownName, match="nothing that can be drawn"):
        pack_map(series_pack)


def test_the_same_figure_gives_the_same_bytes(result, tmp_path):
    (one,) = write({"a": kpi_comparison(result, "lanterns")}, tmp_path)
    (two,) = write({"b": kpi_comparison(result, "lanterns")}, tmp_path)
    assert one.read_bytes() == two.read_bytes()
    assert b"Software" not in one.read_bytes()


def test_drawing_needs_no_window_and_no_global_state(result, tmp_path):
    sys.modules.pop("matplotlib.pyplot", None)
    write({"a": kpi_comparison(result, "lanterns")}, tmp_path)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.fixture
def swept(tmp_path):
    rows = [
        {"number": number, "oil_l": oil_l, "pilot": "lanterns", "city": name, "kpi": kpi, "value": value,
         "low": value - 1, "high": value + 1, "n": 3, "unit": "l", "better": better}
        for number in (10, 20, 40) for oil_l in (0.5, 1.0) for name in ("jarve", "metsa")
        for kpi, value, better in (
            ("oil", number * oil_l, "lower"), ("light", float(number), "higher"),
            ("nothing", float("nan"), "lower"),
        )
    ]  # fmt: skip
    return Sweep(("number", "oil_l"), pd.DataFrame(rows), pd.DataFrame(), tmp_path)


@pytest.fixture
def sweep_manifest():
    kpis = {
        "oil": {"title": "Oil burnt", "unit": "l", "better": "lower"},
        "light": {"title": "Light", "unit": "h", "better": "higher"},
        "nothing": {"title": "Nothing", "unit": "1", "better": "lower"},
    }
    pilots = {"lanterns": {"title": "Street lanterns", "kpis": kpis}}
    return {**MANIFEST, "seeds": [1, 2, 3], "pilots": pilots, "units": {"number": "1", "oil_l": "l"}}


def test_sweeps_are_drawn_against_the_grid_and_as_a_trade_off(swept, sweep_manifest):
    figures = charts_of_sweep(swept, sweep_manifest, {"lanterns": [("oil", "light")]})
    assert set(figures) == {"lanterns-response-1", "lanterns-frontier-oil-light"}
    said = texts(figures["lanterns-response-1"])
    for text in (
        "Oil burnt, Järve",
        "Light, Metsa",
        "number",
        "0.5",
        "95 % intervals",
        "SYNTHETIC DEMO DATA: Järve",
    ):
        assert text in said
    assert "Nothing" not in said
    said = texts(figures["lanterns-frontier-oil-light"])
    for text in ("not beaten in both", "40, 0.5", "Oil burnt [l]", "higher is better ↑", "© Maa-amet"):
        assert text in said


def test_a_trade_off_needs_kpis_with_a_better_direction(swept, sweep_manifest):
    with pytest.raises(UnknownName, match="one of oil, light"):
        frontier(swept, sweep_manifest, "lanterns", "oil", "complaints")


def test_unbeaten_points_by_hand():
    cost, served = np.array([1.0, 2.0, 3.0, 2.0, np.nan]), np.array([1.0, 5.0, 5.0, 1.0, 9.0])
    assert unbeaten(cost, served, "lower", "higher").tolist() == [True, True, False, False, False]
    assert unbeaten(cost, served, "higher", "higher").tolist() == [False, False, True, False, False]
    twins = np.array([1.0, 1.0])
    assert unbeaten(twins, twins, "lower", "lower").tolist() == [True, True]


@pytest.mark.parametrize("turn", [1, -1])
def test_a_hole_is_not_filled_whichever_way_its_ring_runs(turn):
    shell, hole = [(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (3, 1), (3, 3), (1, 3)]
    figure = Figure(figsize=(1, 1), dpi=40)
    axes = figure.add_axes((0, 0, 1, 1))
    areas(axes, np.array([shapely.Polygon(shell, [hole[::turn]])]), facecolor="black", edgecolor="none")
    axes.set(xlim=(0, 4), ylim=(0, 4))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., 0]
    assert picture[20, 20] == 255
    assert picture[5, 5] == 0


@pytest.mark.parametrize(("metres", "bar"), [(0, 1), (7, 5), (1999, 1000), (2000, 2000), (12_000, 10_000)])
def test_a_scale_bar_has_a_round_length(metres, bar):
    assert _round_length(metres) == bar


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5.0, "5"), (0.01234, "0.0123"), (12.34, "12.3"), (1e6, "1,000,000"), (np.nan, "no value")],
)
def test_labels(value, text):
    assert label(value) == text
