"""PyPSA's example of one node with wind, sun, battery and hydrogen, as an energy system of our own.

Tables: PyPSA contributors, CC BY 4.0 (examples, capacity expansion planning, single node). The objective is
that of PyPSA 1.4.0 with HiGHS 1.15.1.
"""

import pandas as pd
import pytest

from pilots.microgrid.system import Activity, EnergySystem, Investment, Storage

pytestmark = [pytest.mark.reference, pytest.mark.slow]


@pytest.fixture(scope="module")
def found(reference_cases):
    folder = reference_cases / "pypsa"
    share = pd.read_csv(folder / "generators-p_max_pu.csv")
    demand = pd.read_csv(folder / "loads-p_set.csv")["demand"].to_numpy(float)
    price = {
        row["name"]: float(row["capital_cost"])
        for table in ("generators", "links", "stores", "storage_units")
        for row in pd.read_csv(folder / f"{table}.csv").to_dict("records")
    }

    def bought(name, gives, profile=None):
        return Activity(name, gives, capacity=0.0, profile=profile, invest=Investment(price[name]))

    return EnergySystem(
        len(demand),
        3.0,
        {"electricity": demand, "hydrogen": 0.0},
        (
            Activity("load shedding", {"electricity": 1.0}, cost=2000.0, capacity=10_901.16),
            bought("wind", {"electricity": 1.0}, share["wind"].to_numpy(float)),
            bought("solar", {"electricity": 1.0}, share["solar"].to_numpy(float)),
            bought("electrolysis", {"electricity": -1.0, "hydrogen": 0.6217}),
            bought("turbine", {"hydrogen": -1.0, "electricity": 0.41}),
        ),
        (
            # Three hours of storage to each MW, which is what the price is for.
            Storage(
                "battery", "electricity", 0.0, Investment(price["battery storage"] / 3), charge_rate=1 / 3,
                discharge_rate=1 / 3, charge_efficiency=0.96, discharge_efficiency=0.96, cyclic=True,
            ),
            Storage("hydrogen storage", "hydrogen", 0.0, Investment(price["hydrogen storage"]), cyclic=True),
        ),
    ).optimum()  # fmt: skip


def test_the_objective_is_that_of_pypsa(found):
    assert found.cost == pytest.approx(8_078_135_675.451, rel=1e-11)


def test_what_is_bought_is_what_pypsa_buys(found):
    assert found.bought["wind"] == pytest.approx(32_474.381, abs=0.01)
    assert found.bought["solar"] == pytest.approx(26_116.801, abs=0.01)
    assert found.bought["battery"] / 3 == pytest.approx(14_854.330, abs=0.01)
    assert found.bought["electrolysis"] == pytest.approx(3_025.153, abs=0.01)
    assert found.bought["turbine"] == pytest.approx(10_073.615, abs=0.01)
    assert found.bought["hydrogen storage"] == pytest.approx(3_786_558.312, rel=1e-6)
    assert 3 * found.activity["load shedding"].sum() == pytest.approx(95_072.085, abs=0.1)
