"""What a planner of a local grid may set, with units and bounds.

The fields describe one site in each city of the run: who draws from it, what stands on it, what energy
costs, how it is steered. Prices and fees are assumptions of the usual order unless a planner replaces them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twin.pilot import Scenario, quantity


class MicrogridScenario(Scenario):
    """A site of members behind one connection, with sun, wind, battery and a controller."""

    step_min: Literal["15", "30", "60"] = Field(
        default="60",
        description="Length of a step in minutes; peaks by the hour understate those by the quarter.",
    )
    controller: Literal[
        "ensemble",
        "predictive",
        "climatology",
        "linear",
        "self_consumption",
        "cheapest_hours",
        "peak_shaving",
        "perfect",
    ] = Field(
        default="predictive", description="Who steers the battery; perfect foresight is for comparison only."
    )

    homes_mwh: float = quantity(500, "MWh/year", 0, 1e6, "Yearly use of homes.")
    offices_mwh: float = quantity(400, "MWh/year", 0, 1e6, "Yearly use of offices and shops.")
    industry_mwh: float = quantity(500, "MWh/year", 0, 1e6, "Yearly use of industry.")
    schools_mwh: float = quantity(
        150,
        "MWh/year",
        0,
        1e6,
        "Yearly use of schools; the buildings pilot's own takes its place in a coupled run.",
    )
    street_lighting_kw: float = quantity(40, "kW", 0, 1e5, "Street lamps on the site's network, rated power.")
    school_share: float = quantity(
        0.1, "1", 0, 1, "Share of the city's educational buildings behind this connection, in a coupled run."
    )
    school_heat_mwh: float = quantity(0, "MWh/year", 0, 1e6, "Yearly heat of schools that heat pumps supply.")
    heat_pump_share: float = quantity(
        0, "1", 0, 1, "Share of the coupled schools' heat from air-source heat pumps."
    )
    ev_share: float = quantity(
        1, "1", 0, 1, "Share of the transport pilot's charging behind this connection, in a coupled run."
    )
    vehicles: int = quantity(0, "1", 0, 10_000, "Vehicles that charge on the site over night.")
    vehicle_kwh: float = quantity(14, "kWh", 0, 500, "Energy each needs on a working day, on average.")
    charger_kw: float = quantity(11, "kW", 1, 1000, "Power of a charging point.")
    flexible_charging: bool = Field(
        default=True, description="Whether charging waits for the cheapest hours of a vehicle's stay."
    )
    load_growth: float = quantity(
        0.03, "1/year", 0, 1, "Yearly growth of the load, for deferring an upgrade."
    )

    solar_kw: float = quantity(500, "kW", 0, 1e6, "Solar plant, rated power of the modules.")
    tilt_deg: float = quantity(35, "deg", 0, 90, "Tilt of the modules.")
    azimuth_deg: float = quantity(180, "deg", 0, 360, "Direction the modules face; 180 is south.")
    wind_kw: float = quantity(
        250, "kW", 0, 1e6, "Wind plant, in cities whose pack has wind turbines; rated power."
    )
    turbine: str = Field(
        default="N90/2500", description="Whose power curve the wind plant has, by windpowerlib."
    )
    hub_height_m: float = quantity(80, "m", 10, 250, "Height of the hubs.")
    roughness_m: float = quantity(0.05, "m", 0.0001, 2, "Roughness length of the surroundings.")
    battery_kwh: float = quantity(1000, "kWh", 0, 1e7, "Capacity of the battery; 0 for none.")
    battery_kw: float = quantity(400, "kW", 0.001, 1e6, "Power of the battery, each way.")
    efficiency: float = quantity(0.95, "1", 0.5, 1, "Efficiency of the battery, each way.")
    wear_eur_per_kwh: float = quantity(0.01, "EUR/kWh", 0, 1, "Wear per kWh in and per kWh out.")
    reserve_h: float = quantity(0, "h", 0, 168, "Hours of an outage that the battery is kept ready for.")
    backup_kw: float = quantity(0, "kW", 0, 1e6, "Backup by diesel or combined heat and power, rated power.")
    backup_eur_per_kwh: float = quantity(0.40, "EUR/kWh", 0, 10, "Fuel and upkeep per kWh of the backup.")
    heat_credit_eur_per_kwh: float = quantity(
        0, "EUR/kWh", 0, 10, "What the heat of a combined plant saves per kWh of electricity."
    )
    connection_kw: float = quantity(0, "kW", 0, 1e7, "Import limit; 0 for none, which shows what is needed.")
    export_kw: float = quantity(0, "kW", 0, 1e7, "Export limit; 0 for none.")
    connection_target: float = quantity(
        0.3,
        "1",
        0,
        1,
        "Import that predictive control keeps to, "
        "from the least connection (0) to the peak without battery (1, "
        "no limit); used while connection_kw is 0.",
    )
    street_network_kw: float = quantity(
        0,
        "kW",
        0,
        1e6,
        "Connection of the street-lighting network that is free for other use while no lamp burns.",
    )
    critical_share: float = quantity(0.5, "1", 0, 1, "Share of the load to be kept up in an outage.")
    lost_load_eur_per_kwh: float = quantity(10, "EUR/kWh", 0.1, 1000, "What a kWh of load not served costs.")

    network_day_eur_per_kwh: float = quantity(
        0.037, "EUR/kWh", 0, 1, "Network fee on working days from 7 to 22."
    )
    network_night_eur_per_kwh: float = quantity(0.021, "EUR/kWh", 0, 1, "Network fee else.")
    tax_eur_per_kwh: float = quantity(0.0105, "EUR/kWh", 0, 1, "Excise and renewable-energy charge.")
    margin_eur_per_kwh: float = quantity(
        0.004, "EUR/kWh", 0, 1, "Supplier's margin, on both import and export."
    )
    vat: float = quantity(0, "1", 0, 1, "Value-added tax on import; 0 for those who get it back.")
    capacity_eur_per_kw_month: float = quantity(4, "EUR/kW", 0, 100, "Capacity charge on each month's peak.")
    price_factor: float = quantity(1, "1", 0, 20, "Day-ahead prices as a multiple of the pack's.")
    price_spike_factor: float = quantity(
        1, "1", 1, 50, "Prices of the dearest twentieth of all hours, as a further multiple: a shock."
    )
    co2_kg_per_kwh: float = quantity(0.34, "kg/kWh", 0, 2, "Average emissions of the grid's electricity.")
    marginal_co2_kg_per_kwh: float = quantity(
        0.45, "kg/kWh", 0, 2, "Emissions of the plant that one more kWh calls on."
    )

    drawn_year: bool = Field(
        default=False,
        description="Draw the weeks of the year in a run's first repetition too, for sweeps with intervals.",
    )
    cold_windless_days: int = quantity(
        0, "d", 0, 60, "Days without wind and sun and 10 K colder, from the one below."
    )
    cold_windless_from_day: int = quantity(14, "d", 0, 365, "Day of the run on which they begin.")
    outages_per_year: float = quantity(1.5, "1/year", 0, 1000, "Outages of the grid, at random.")
    outage_mean_h: float = quantity(1.5, "h", 0.1, 168, "Their mean length.")
    outage_from_h: float = quantity(
        -1, "h", -1, 8784, "Hour of the run at which one more outage begins; -1 for none."
    )
    outage_h: float = quantity(6, "h", 0, 720, "Its length.")

    battery_eur_per_kwh: float = quantity(350, "EUR/kWh", 0, 5000, "Price of the battery.")
    solar_eur_per_kw: float = quantity(900, "EUR/kW", 0, 10_000, "Price of the solar plant.")
    wind_eur_per_kw: float = quantity(1400, "EUR/kW", 0, 10_000, "Price of the wind plant.")
    connection_eur_per_kw: float = quantity(180, "EUR/kW", 0, 10_000, "Price of a larger connection.")
    discount_rate: float = quantity(0.05, "1", 0, 0.5, "Yearly discount rate.")
