"""`twinbox serve`: offer cities' data, results and pilots over HTTP on one port."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.app import SERVER, app, examples


@app.command(
    rich_help_panel=SERVER,
    epilog=examples(
        "twinbox serve",
        "twinbox serve --open-data --port 8080",
        "twinbox serve --host 0.0.0.0 --public-url https://twin.example.ee",
    ),
)
def serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to listen on; this machine only if left out."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 8080 if left out.")] = None,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address that users see; links begin with it.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="SQLAlchemy URL; an SQLite file if left out.")
    ] = None,
    open_data: Annotated[
        bool | None, typer.Option("--open-data/--closed-data", help="Whether open datasets need no key.")
    ] = None,
    open_runs: Annotated[
        bool | None, typer.Option("--open-runs/--closed-runs", help="Whether anyone may run pilots.")
    ] = None,
) -> None:
    """Serve cities' data, results and pilots until stopped with Ctrl-C.

    Settings that are left out come from the environment (TWINBOX_API_PORT and so on) or from the file
    api.toml in Twinbox's home.
    """
    from api.cli.screen import note
    from api.server import serve as run
    from api.settings import load_settings

    settings = load_settings(
        host=host,
        port=port,
        public_url=public_url,
        database=database,
        open_data=open_data,
        open_runs=open_runs,
    )
    note(f"Serving {settings.home} on http://{settings.host}:{settings.port}/ (Ctrl-C stops)")
    run(settings)
