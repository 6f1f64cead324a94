"""`twinbox tenant`, `key`, `contract`, `usage`: who may use the server, on what terms, and what they owe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.app import SERVER, app, examples, group

if TYPE_CHECKING:
    from api.access.registry import Registry

tenants = group("tenant", SERVER, "Companies, cities and teams that use the server.")
keys = group("key", SERVER, "Keys that tenants show.")
contracts = group(
    "contract", SERVER, "Contracts: which tenant may use which dataset, until when, at what fee."
)
Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="SQLAlchemy URL of the server's store, if it is not the usual one."),
]
Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's id.")]
AnyTenant = Annotated[
    str | None, typer.Argument(metavar="TENANT", help="The tenant's id; all tenants if left out.")
]


def registry(database: str | None) -> Registry:
    """Tenants, keys and contracts of the server's store."""
    import api.sensors.observations  # noqa: F401 - declares its table in the store
    from api.access.registry import Registry
    from api.settings import load_settings
    from api.store import Store

    return Registry(Store(load_settings(database=database).database_url))


def show(rows: list[dict[str, Any]], *, json: bool) -> None:
    """Print rows as a table or as JSON."""
    from api.cli.screen import emit, say, table

    if json:
        emit(rows)
    elif rows:
        say(
            table(
                list(rows[0]),
                [["" if value is None else str(value) for value in row.values()] for row in rows],
            )
        )
    else:
        say("none")


@tenants.command("add", epilog=examples('twinbox tenant add acme --name "Acme Mobility OÜ"'))
def add_tenant(
    tenant: Tenant,
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="Its name.")] = "",
    per_minute: Annotated[int | None, typer.Option(min=1, help="Requests a minute.")] = None,
    per_month: Annotated[int | None, typer.Option(min=1, help="Requests a month.")] = None,
    database: Database = None,
) -> None:
    """Add a tenant."""
    registry(database).add_tenant(tenant, name or tenant, per_minute=per_minute, per_month=per_month)


@tenants.command("list", epilog=examples("twinbox tenant list"))
def list_tenants(*, json: options.Json = False, database: Database = None) -> None:
    """List the tenants."""
    from dataclasses import asdict

    show([asdict(item) for item in registry(database).tenants()], json=json)


@tenants.command("disable", epilog=examples("twinbox tenant disable acme"))
def disable_tenant(tenant: Tenant, *, database: Database = None) -> None:
    """Shut a tenant out, with all its keys."""
    registry(database).disable_tenant(tenant)


@tenants.command("enable", epilog=examples("twinbox tenant enable acme"))
def enable_tenant(tenant: Tenant, *, database: Database = None) -> None:
    """Let a tenant in again."""
    registry(database).disable_tenant(tenant, disabled=False)


@keys.command(
    "issue",
    epilog=examples(
        "twinbox key issue acme --scope read:tallinn.buildings --days 90",
        "twinbox key issue lab --scope 'read:*' --scope 'run:*'",
    ),
)
def issue(
    tenant: Tenant,
    *,
    scope: Annotated[
        list[str],
        typer.Option(
            metavar="ACTION:PATTERN",
            help="What the key is for, such as read:tallinn.buildings; once for each.",
        ),
    ],
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days until it expires.")] = 365,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is used for.")] = "",
    json: options.Json = False,
    database: Database = None,
) -> None:
    """Issue a key. It is shown now and never again."""
    from api.cli.screen import emit, note, say

    key, text = registry(database).issue_key(tenant, scope, label=label, lifetime=timedelta(days=days))
    if json:
        emit({"id": key.id, "key": text, "scopes": list(map(str, key.scopes)), "expires": key.expires})
        return
    say(text)
    scopes = ", ".join(map(str, key.scopes))
    note(f"Key {key.id} of {tenant} for {scopes}, until {key.expires}. Keep it: it is not shown again.")


@keys.command("list", epilog=examples("twinbox key list", "twinbox key list acme --json"))
def list_keys(
    tenant: AnyTenant = None,
    *,
    json: options.Json = False,
    database: Database = None,
) -> None:
    """List keys, without their secrets."""
    rows = [
        {
            "id": item.id,
            "tenant": item.tenant,
            "label": item.label,
            "scopes": " ".join(map(str, item.scopes)),
            "created": item.created[:10],
            "expires": (item.expires or "")[:10],
            "revoked": item.revoked,
        }
        for item in registry(database).keys(tenant)
    ]
    show(rows, json=json)


@keys.command("revoke", epilog=examples("twinbox key revoke 5838401179a7"))
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")], *, database: Database = None
) -> None:
    """Make a key useless, within two seconds also on a running server."""
    registry(database).revoke_key(key)


@contracts.command(
    "add",
    epilog=examples(
        "twinbox contract add acme tallinn.buildings --until 2027-01-01 --per-request 0.01 --per-month 50",
        "twinbox contract add acme --file contract.jsonld",
    ),
)
def add_contract(
    tenant: Tenant,
    dataset: Annotated[
        str | None, typer.Argument(metavar="DATASET", help="Collection; * matches any letters.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An ODRL Agreement instead of the options.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="When it ends.")] = None,
    purpose: Annotated[
        list[str] | None, typer.Option(metavar="PURPOSE", help="What the use must be for; once for each.")
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option(metavar="ACTION", help="use, distribute or derive; once for each.")
    ] = None,
    per_month: Annotated[str, typer.Option(metavar="EUR", help="Flat fee of a month.")] = "0",
    per_request: Annotated[str, typer.Option(metavar="EUR", help="Fee of a request.")] = "0",
    per_1000_features: Annotated[str, typer.Option(metavar="EUR", help="Fee of a thousand features.")] = "0",
    per_gb: Annotated[str, typer.Option(metavar="EUR", help="Fee of a gigabyte.")] = "0",
    per_hour: Annotated[str, typer.Option(metavar="EUR", help="Fee of a simulated hour.")] = "0",
    owner_share: Annotated[
        str, typer.Option(metavar="SHARE", help="Share due to the data's owner, 0 to 1.")
    ] = "0",
    database: Database = None,
) -> None:
    """Add a contract: a tenant may use a dataset, on terms that the server holds it to."""
    import json
    import secrets
    from decimal import Decimal, InvalidOperation

    from api.access.policy import Fee, agreement
    from api.cli.screen import say
    from geodata.errors import InvalidInput

    if file is not None:
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"the contract cannot be read: {error}", file=file) from error
    else:
        if dataset is None:
            raise InvalidInput("name the dataset, or a file with the contract", field="DATASET")
        try:
            fee = Fee(
                *map(Decimal, (per_month, per_request, per_1000_features, per_gb, per_hour, owner_share))
            )
        except InvalidOperation as error:
            raise InvalidInput("a fee is an amount such as 0.01") from error
        document = agreement(
            f"{tenant}-{secrets.token_hex(4)}",
            tenant,
            dataset,
            actions=tuple(action or ("use", "distribute")),
            purposes=tuple(purpose or ()),
            until=_date(until),
            fee=fee,
        )
    say(registry(database).add_contract(document).id)


def _date(text: str | None) -> datetime | None:
    from geodata.errors import InvalidInput

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "this is no date", field="until", value=text, expected="such as 2027-01-01"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contracts.command("list", epilog=examples("twinbox contract list", "twinbox contract list acme"))
def list_contracts(
    tenant: AnyTenant = None,
    *,
    json: options.Json = False,
    database: Database = None,
) -> None:
    """List contracts in force."""
    import json as text

    rows = []
    for item in registry(database).contracts(tenant):
        rules = text.loads(item["policy"])["permission"]
        rules = rules if isinstance(rules, list) else [rules]
        rows.append(
            {
                "id": item["id"],
                "tenant": item["tenant"],
                "targets": " ".join(str(r["target"]) for r in rules),
                "created": item["created"][:10],
            }
        )
    show(rows, json=json)


@contracts.command("end", epilog=examples("twinbox contract end acme-1f0c9a2b"))
def end_contract(
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="The contract's id.")],
    *,
    database: Database = None,
) -> None:
    """End a contract now."""
    registry(database).revoke_contract(contract)


@app.command(
    rich_help_panel=SERVER,
    epilog=examples(
        "twinbox usage", "twinbox usage 2026-11 --tenant acme", "twinbox usage 2026-11 --csv use.csv"
    ),
)
def usage(
    month: Annotated[
        str | None, typer.Argument(metavar="MONTH", help="Such as 2026-11; this month if left out.")
    ] = None,
    *,
    tenant: Annotated[str | None, typer.Option(metavar="TENANT", help="One tenant only.")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the lines as CSV too.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Follow the ledger's chain from its beginning.")
    ] = False,
    json: options.Json = False,
    database: Database = None,
) -> None:
    """Print what tenants used in a month and what they owe."""
    from dataclasses import asdict

    from api.access.bill import as_csv, month_of
    from api.access.usage import broken_link
    from api.cli.screen import note
    from geodata.atomic import write_text
    from geodata.errors import InvalidData

    store = registry(database).store
    if verify and (broken := broken_link(store)) is not None:
        raise InvalidData("the ledger was changed: its chain is broken", row=broken)
    lines = month_of(store, month or datetime.now(UTC).strftime("%Y-%m"), tenant)
    if csv is not None:
        write_text(csv, as_csv(lines))
    if json:
        show(
            [
                {name: str(v) if name.endswith("_eur") else v for name, v in asdict(line).items()}
                for line in lines
            ],
            json=True,
        )
        return
    show([asdict(line) for line in lines], json=False)
    total = sum(line.fee_eur for line in lines)
    owed = sum(line.owner_eur for line in lines)
    note(
        f"Fees {total:.2f} EUR, of which {owed:.2f} EUR to the data's owners."
        + (" The chain holds." if verify else "")
    )


@app.command(
    "share",
    rich_help_panel=SERVER,
    epilog=examples("twinbox share transport-rae+tallinn-0f3a1b --with public"),
)
def share(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or a part of it.")],
    *,
    tenant: Annotated[
        str, typer.Option("--with", metavar="TENANT", help="A tenant, or public for everyone.")
    ],
    database: Database = None,
) -> None:
    """Let a tenant, or everyone, read a run's results over the server."""
    from twin.store import RunStore

    access = registry(database)
    if tenant != "public":
        access.tenant(tenant)
    access.share_run(RunStore().path(run).name, tenant)
