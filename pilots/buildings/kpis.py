"""What the pilot reports of each city: every indicator with its unit, direction, definition and source."""

from __future__ import annotations

from typing import Literal

from twin.pilot import Kpi

_EN = "EN 16798-1:2019"
_OWN = "Twinbox"

_CATEGORIES: tuple[tuple[int, str, Literal["higher", "lower"]], ...] = (
    (1, "I", "higher"),
    (2, "II", "higher"),
    (3, "III", "lower"),
    (4, "IV", "lower"),
)

KPIS: tuple[Kpi, ...] = (
    Kpi(
        "buildings",
        "Educational buildings",
        "1",
        "neither",
        "Number of buildings simulated.",
        _OWN,
    ),
    Kpi(
        "co2_exceedance",
        "Lesson time above 1000 ppm",
        "%",
        "lower",
        "Share of the time of lessons with somebody in the room in which CO2 is above 1000 ppm, all rooms.",
        "Estonian consumer authority (TTJA); EN 16798-1:2019",
        share=True,
    ),
    Kpi(
        "co2_exceedance_breaks",
        "Break time above 1000 ppm",
        "%",
        "lower",
        "The same for the breaks between lessons.",
        "Estonian consumer authority (TTJA); EN 16798-1:2019",
        share=True,
    ),
    Kpi(
        "idis",
        "CO2 above 1000 ppm in lessons",
        "ppm.h",
        "lower",
        "Integral of CO2 above 1000 ppm over lessons with somebody in the room, mean over rooms.",
        "BOPTEST idis_tot",
    ),
    *(
        Kpi(
            f"time_in_category_{number}",
            f"Time in category {name}",
            "%",
            better,
            f"Share of the hours in use in category {name}: the worst of CO2 above outdoors, "
            "operative temperature and relative humidity, mean over buildings.",
            _EN,
            share=True,
        )
        for number, name, better in _CATEGORIES
    ),
    Kpi(
        "pmv_mean",
        "Mean vote",
        "1",
        "neither",
        "Mean of the predicted mean vote over hours in use: 1.2 met, 0.1 m/s, 1.0 clo from October "
        "to April, 0.5 from June to August, 0.7 between; best near 0.",
        "ISO 7730",
    ),
    Kpi(
        "ppd_mean",
        "Dissatisfied with warmth",
        "%",
        "lower",
        "Mean predicted percentage of dissatisfied over hours in use.",
        "ISO 7730",
        share=True,
    ),
    Kpi(
        "pmv_within_half",
        "Time near neutral",
        "%",
        "higher",
        "Share of the hours in use with a mean vote within +-0.5.",
        "ISO 7730",
        share=True,
    ),
    Kpi(
        "tdis",
        "Thermal discomfort",
        "K.h",
        "lower",
        "Kelvin-hours of operative temperature below 20 or above 26 °C in use, mean over buildings.",
        "BOPTEST tdis_tot; category II of EN 16798-1",
    ),
    Kpi(
        "overheating_hours",
        "Hours above 27 °C",
        "h",
        "lower",
        "Hours in use with an operative temperature above 27 °C, mean over buildings.",
        _EN,
    ),
    Kpi(
        "overheating_degree_hours",
        "Degree-hours above 25 °C in summer",
        "K.h",
        "lower",
        "Kelvin-hours above 25 °C in use from June to August, mean over buildings; the rule allows 100.",
        "Estonian Regulation 63 (11.12.2018)",
    ),
    Kpi(
        "summer_rule_met",
        "Buildings that meet the summer rule",
        "%",
        "higher",
        "Share of buildings with at most 100 K.h above 25 °C in use from June to August.",
        "Estonian Regulation 63 (11.12.2018)",
        share=True,
    ),
    Kpi(
        "adaptive_exceedance",
        "Beyond adaptive comfort",
        "K.h",
        "lower",
        "Kelvin-hours outside category II of adaptive comfort in use, where it is valid, mean over "
        "buildings.",
        _EN,
    ),
    Kpi(
        "air_change_rate",
        "Air change in lessons",
        "1/h",
        "higher",
        "Outdoor air of a teaching room over its volume in lessons, mean over rooms; interval: 10th and 90th "
        "percentile of rooms.",
        "Batterman 2017",
    ),
    Kpi(
        "outdoor_air_per_person",
        "Outdoor air per person",
        "L/s",
        "higher",
        "Outdoor air of a teaching room over persons present, mean over rooms; interval as for air change.",
        _EN,
    ),
    Kpi(
        "infection_relative_risk",
        "Infection risk against 1000 ppm",
        "1",
        "lower",
        "Risk of infection in an hour's lesson over that at 1000 ppm, mean over persons present.",
        "Wells-Riley; Rudnick and Milton 2003",
    ),
    Kpi(
        "final_energy",
        "Delivered energy",
        "kWh/m2",
        "lower",
        "Heat and electricity of the run over the heated floor.",
        "Estonian Regulation 63 (11.12.2018)",
    ),
    Kpi(
        "primary_energy",
        "Weighted energy",
        "kWh/m2",
        "lower",
        "Electricity times 2.0 and efficient district heat times 0.65 over the heated floor.",
        "Estonian Regulation 63 (11.12.2018)",
    ),
    Kpi(
        "heat_weather_normalised",
        "Heat of a normal year",
        "kWh/m2",
        "lower",
        "Hot water, and the rest of the heat times degree-days (base 17 °C) of the city's whole "
        "year of weather over "
        "those of the run, over the heated floor; not given for runs without heating weather.",
        "Estonian Regulation 36 (30.04.2015)",
    ),
    Kpi(
        "class_c_or_better",
        "Buildings of class C or better",
        "%",
        "higher",
        "Share of buildings whose weighted energy of a normal year is of indicative class A to C.",
        "Estonian Regulations 36 and 63",
        share=True,
    ),
    Kpi(
        "peak_heat",
        "Peak heat",
        "W/m2",
        "lower",
        "Largest hourly heat of all buildings together over their heated floor.",
        "BOPTEST pdih",
    ),
    Kpi(
        "peak_electricity",
        "Peak electricity",
        "W/m2",
        "lower",
        "Largest hourly electric power of all buildings together over their heated floor.",
        "BOPTEST pele",
    ),
    Kpi(
        "cost",
        "Energy cost",
        "EUR/m2",
        "lower",
        "Heat and electricity times their prices over the floor.",
        "BOPTEST cost_tot",
    ),
    Kpi(
        "emissions",
        "Emissions",
        "kg/m2",
        "lower",
        "Heat and electricity times their emission factors (kg CO2 per kWh) over the heated floor.",
        "BOPTEST emis_tot",
    ),
    Kpi(
        "sensor_availability",
        "Sensor availability",
        "%",
        "higher",
        "Values of virtual sensors that came and did not fail, of those expected.",
        "QARTOD",
        share=True,
    ),
    Kpi(
        "sensor_longest_gap",
        "Longest gap",
        "h",
        "lower",
        "Longest silence of a virtual sensor.",
        "QARTOD",
    ),
    Kpi(
        "fault_detection_f1",
        "Faults found",
        "1",
        "higher",
        "F1 of the diagnosis against the faults put into virtual sensors, mean over properties; "
        "from 42 days on.",
        _OWN,
    ),
    *(
        Kpi(
            f"forecast_skill_{lead}",
            f"CO2 forecast skill at {words}",
            "1",
            "higher",
            "1 - RMSE / RMSE of persistence of the CO2 of virtual sensors, with ventilation tracked and "
            "people as planned.",
            "Batterman 2017; Kalman 1960",
        )
        for lead, words in (("60min", "60 min"), ("15min", "15 min"), ("24h", "24 h"))
    ),
    Kpi(
        "air_change_tracking_error",
        "Error of tracked air change",
        "%",
        "lower",
        "Median difference of tracked and true air change in the lessons of a virtually watched room.",
        "Batterman 2017",
    ),
    Kpi(
        "sensors_needed",
        "Rooms that need sensors",
        "%",
        "lower",
        "Fewest rooms, as many in each building, of those simulated, from which the mean CO2 exceedance is "
        "known within 5 %, 19 times of 20.",
        _OWN,
        share=True,
    ),
    Kpi(
        "partial_tail_worst",
        "Buildings rated IV",
        "%",
        "lower",
        "Share of buildings whose partial schoolTAIL rating (temperature, humidity, CO2; noise and "
        "light missing) is "
        "IV.",
        "TAIL (Wargocki et al. 2021)",
        share=True,
    ),
    Kpi(
        "tail_good_air",
        "Buildings with good air",
        "%",
        "higher",
        "Share of buildings whose CO2 holds category I or II in the partial schoolTAIL rating.",
        "TAIL (Wargocki et al. 2021)",
        share=True,
    ),
    Kpi(
        "wellbeing_score",
        "Well-being score",
        "1",
        "higher",
        "Five-layer score, 0 to 100, mean over buildings, of the layers that have data; interval: "
        "weights moved by "
        "half of themselves.",
        "FinEst Centre well-being score; equal weights",
    ),
    Kpi(
        "measured_co2_exceedance",
        "Measured lesson time above 1000 ppm",
        "%",
        "lower",
        "The same as co2_exceedance from the pack's own sensors, production data only; not given "
        "without any.",
        "Estonian consumer authority (TTJA)",
        share=True,
    ),
    Kpi(
        "heat_model_cv_rmse",
        "Miss of metered heat",
        "%",
        "lower",
        "CV(RMSE) of hourly simulated against metered heat before calibration, mean over metered "
        "buildings; not given without meters.",
        "ASHRAE Guideline 14-2014",
    ),
    Kpi(
        "heat_model_nmbe",
        "Bias of metered heat",
        "%",
        "neither",
        "NMBE of the same, measured less simulated; best near 0.",
        "ASHRAE Guideline 14-2014",
    ),
    Kpi(
        "heat_models_calibrated",
        "Metered buildings calibrated",
        "%",
        "higher",
        "Metered buildings whose calibrated model meets a last third of readings it has not seen: "
        "CV(RMSE) 30 %, NMBE 10 %, hourly.",
        "ASHRAE Guideline 14-2014",
        share=True,
    ),
)
