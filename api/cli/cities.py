"""`twinbox cities`: which cities can take part, and with which data."""

from __future__ import annotations

from api.cli import options
from api.cli.app import DATA, app, examples

STATES = {
    "built": "built from the city's data",
    "demo": "synthetic demo data",
    "damaged": "damaged; build it again",
    "none": "none; build one",
}


@app.command(rich_help_panel=DATA, epilog=examples("twinbox cities", "twinbox cities --json"))
def cities(*, json: options.Json = False) -> None:
    """List the cities that are known, and whether each has a pack of data."""
    from api.cli.screen import emit, say, table
    from geodata.city import known_cities
    from geodata.locate import state_of

    known = [(city, state_of(city)) for city in known_cities().values()]
    if json:
        emit({"cities": [{**city.model_dump(mode="json"), "pack": state} for city, state in known]})
        return
    rows = [
        [city.id, city.name, city.names.get("et", ""), city.names.get("fi", ""), city.country, STATES[state]]
        for city, state in known
    ]
    say(table(["id", "English", "Estonian", "Finnish", "country", "pack"], rows))
