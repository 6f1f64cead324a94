"""What a tenant used in a month and what it owes: lines by contract and resource, exact to the cent.

Amounts are decimal numbers, rounded once per line, half a cent to even; the flat fee of a month is a line of
its own.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import sqlalchemy as sa

from api.access.policy import Policy, understand
from api.store import CONTRACTS, USAGE, Store, moment, stamp
from geodata.errors import InvalidInput

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Line:
    """One line of a month's bill."""

    month: str
    tenant: str
    contract: str
    resource: str
    requests: int
    features: int
    bytes: int
    simulated_h: float
    cpu_s: float
    fee_eur: Decimal
    owner_eur: Decimal


def bounds(month: str) -> tuple[datetime, datetime]:
    """First instant of a month and of the next, in UTC.

    Raises:
        InvalidInput: It is no month.
    """
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    if not found or int(found.group(1)) < 1970:
        raise InvalidInput("this is no month", field="month", value=month, expected="such as 2026-11")
    year, number = int(found.group(1)), int(found.group(2))
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


def month_of(store: Store, month: str, tenant: str | None = None) -> list[Line]:
    """The lines of a month, of one tenant or all, in the order of tenant, contract and resource."""
    start, end = bounds(month)
    sums = [
        sa.func.sum(USAGE.c[name]).label(name)
        for name in ("requests", "features", "bytes", "simulated_h", "cpu_s")
    ]
    keys = (USAGE.c.tenant, USAGE.c.contract, USAGE.c.resource)
    query = (
        sa.select(*keys, *sums)
        .where(USAGE.c.time >= stamp(start), USAGE.c.time < stamp(end))
        .group_by(*keys)
        .order_by(*keys)
    )
    contracts = _contracts(store, tenant)
    lines = []
    for row in store.rows(query if tenant is None else query.where(USAGE.c.tenant == tenant)):
        policy = contracts.get(row["contract"], (None, None, None))[0]
        fee = _fee(policy, row) if policy else Decimal(0)
        lines.append(
            Line(
                month,
                row["tenant"],
                row["contract"],
                row["resource"],
                int(row["requests"]),
                int(row["features"]),
                int(row["bytes"]),
                float(row["simulated_h"]),
                float(row["cpu_s"]),
                fee,
                _round(fee * policy.fee.owner_share) if policy else Decimal(0),
            )
        )
    lines += _flat_fees(contracts, month, start, end)
    return sorted(lines, key=lambda line: (line.tenant, line.contract, line.resource))


def _contracts(store: Store, tenant: str | None) -> dict[str, tuple[Policy, datetime, datetime | None]]:
    query = sa.select(CONTRACTS)
    rows = store.rows(query if tenant is None else query.where(CONTRACTS.c.tenant == tenant))
    return {
        row["id"]: (
            understand(json.loads(row["policy"])),
            moment(row["created"]),
            moment(row["revoked"]) if row["revoked"] else None,
        )
        for row in rows
    }


def _flat_fees(
    contracts: dict[str, tuple[Policy, datetime, datetime | None]], month: str, start: datetime, end: datetime
) -> list[Line]:
    """The flat fees of contracts that held at some time of the month."""
    lines = []
    for policy, created, revoked in contracts.values():
        fee = _round(policy.fee.eur_per_month)
        first, last = _term(policy)
        begins = max([created, *([first] if first else [])])
        ends = [moment for moment in (revoked, last) if moment]
        if fee and begins < end and all(moment > start for moment in ends):
            share = _round(fee * policy.fee.owner_share)
            lines.append(Line(month, policy.tenant, policy.id, "(flat fee)", 0, 0, 0, 0.0, 0.0, fee, share))
    return lines


def _term(policy: Policy) -> tuple[datetime | None, datetime | None]:
    """When a contract's permissions begin and end to hold, as far as it says."""
    first, last = None, None
    for rule in policy.permissions:
        for item in rule.constraints:
            if item.left == "dateTime":
                at = datetime.fromisoformat(item.right[0])
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
                if item.compare.startswith("g"):
                    first = at
                else:
                    last = at
    return first, last


def _fee(policy: Policy, row: sa.RowMapping) -> Decimal:
    terms = policy.fee
    return _round(
        terms.eur_per_request * int(row["requests"])
        + terms.eur_per_1000_features * int(row["features"]) / 1000
        + terms.eur_per_gb * int(row["bytes"]) / 10**9
        + terms.eur_per_simulated_hour * Decimal(str(row["simulated_h"]))
    )


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_EVEN)


def as_csv(lines: Sequence[Line]) -> str:
    """Lines as CSV; a text that a spreadsheet would take for a formula is quoted with an apostrophe."""
    names = [item.name for item in fields(Line)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for line in lines:
        writer.writerow([_plain(value) for value in asdict(line).values()])
    return out.getvalue()


def _plain(value: object) -> str:
    text = str(value)
    return "'" + text if isinstance(value, str) and text[:1] in "=+-@\t\r" else text
