"""Tenants, their keys and their contracts, as they stand in the store.

A key is shown once, when it is made; the store keeps only its SHA-256. That is enough for a random secret of
256 bits, which no list of guesses reaches (OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.access import policy
from api.access.actions import Scope, scope, scopes
from api.store import CONTRACTS, KEYS, RUN_OWNERS, TENANTS, Store, moment, now, stamp
from geodata.errors import InvalidInput, UnknownName

PUBLIC = "public"
"""The tenant of whoever shows no key."""
_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")
_KEY = re.compile(r"twb_([a-f0-9]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Key:
    """A key without its secret."""

    id: str
    tenant: str
    label: str
    scopes: tuple[Scope, ...]
    created: str
    expires: str | None
    revoked: str | None


@dataclass(frozen=True)
class Tenant:
    """Whoever uses the server under one name: a company, a city's department, a pilot team."""

    id: str
    name: str
    disabled: bool
    requests_per_minute: int | None
    requests_per_month: int | None


class Registry:
    """Tenants, keys and contracts of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def add_tenant(
        self, tenant: str, name: str, *, per_minute: int | None = None, per_month: int | None = None
    ) -> Tenant:
        """Add a tenant.

        Raises:
            InvalidInput: The id is taken or no id.
        """
        if not _ID.fullmatch(tenant) or tenant == PUBLIC:
            raise InvalidInput(
                "this is no tenant's id",
                field="tenant",
                value=tenant,
                expected="2 to 40 small letters, digits and hyphens, beginning with a letter",
            )
        row = {
            "id": tenant,
            "name": name,
            "created": stamp(),
            "disabled": False,
            "requests_per_minute": per_minute,
            "requests_per_month": per_month,
        }
        try:
            with self.store.write() as connection:
                connection.execute(sa.insert(TENANTS).values(row))
        except sa.exc.IntegrityError as error:
            raise InvalidInput("there is a tenant of this id", field="tenant", value=tenant) from error
        return Tenant(
            tenant, name, disabled=False, requests_per_minute=per_minute, requests_per_month=per_month
        )

    def tenants(self) -> list[Tenant]:
        """All tenants by id."""
        rows = self.store.rows(sa.select(TENANTS).order_by(TENANTS.c.id))
        return [_tenant(row) for row in rows]

    def tenant(self, tenant: str) -> Tenant:
        """The tenant of this id.

        Raises:
            UnknownName: There is none.
        """
        row = self.store.one(sa.select(TENANTS).where(TENANTS.c.id == tenant))
        if row is None:
            names = ", ".join(item.id for item in self.tenants()) or None
            raise UnknownName("no tenant is called this", field="tenant", value=tenant, expected=names)
        return _tenant(row)

    def disable_tenant(self, tenant: str, *, disabled: bool = True) -> None:
        """Shut a tenant out, with all its keys, or let it in again."""
        self.tenant(tenant)
        with self.store.write() as connection:
            connection.execute(sa.update(TENANTS).where(TENANTS.c.id == tenant).values(disabled=disabled))

    def issue_key(
        self,
        tenant: str,
        granted: Iterable[str],
        *,
        label: str = "",
        lifetime: timedelta = timedelta(days=365),
    ) -> tuple[Key, str]:
        """Make a key; its text is returned here and never again.

        Args:
            tenant: Whose key it is.
            granted: Scopes.
            label: What it is for.
            lifetime: After which it expires.
        """
        self.tenant(tenant)
        allowed = scopes(granted)
        if not allowed:
            raise InvalidInput(
                "a key needs a scope", field="scope", expected="such as read:tallinn.buildings"
            )
        if not timedelta(0) < lifetime <= timedelta(days=3660):
            raise InvalidInput("a key lives from a moment to ten years", field="days", value=str(lifetime))
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        created = now()
        key = Key(key_id, tenant, label, allowed, stamp(created), stamp(created + lifetime), None)
        with self.store.write() as connection:
            connection.execute(
                sa.insert(KEYS).values(
                    id=key_id,
                    tenant=tenant,
                    label=label,
                    secret_sha256=digest_of(secret),
                    scopes=json.dumps([str(item) for item in allowed]),
                    created=key.created,
                    expires=key.expires,
                )
            )
        return key, f"twb_{key_id}_{secret}"

    def keys(self, tenant: str | None = None) -> list[Key]:
        """Keys, of one tenant or all, oldest first."""
        query = sa.select(KEYS).order_by(KEYS.c.created, KEYS.c.id)
        return [
            _key(row)
            for row in self.store.rows(query if tenant is None else query.where(KEYS.c.tenant == tenant))
        ]

    def revoke_key(self, key_id: str) -> None:
        """Make a key useless from now on."""
        with self.store.write() as connection:
            done = connection.execute(
                sa.update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked.is_(None)).values(revoked=stamp())
            )
        if done.rowcount == 0:
            raise UnknownName("no key in force has this id", field="key", value=key_id)

    def add_contract(self, document: Mapping[str, Any]) -> policy.Policy:
        """Keep a contract after reading it whole.

        Raises:
            InvalidInput: It says something that would not be enforced, or its uid is taken.
        """
        understood = policy.understand(document)
        self.tenant(understood.tenant)
        row = {
            "id": understood.id,
            "tenant": understood.tenant,
            "created": stamp(),
            "policy": json.dumps(document, ensure_ascii=False),
        }
        try:
            with self.store.write() as connection:
                connection.execute(sa.insert(CONTRACTS).values(row))
        except sa.exc.IntegrityError as error:
            raise InvalidInput("there is a contract of this uid", field="uid", value=understood.id) from error
        return understood

    def contracts(self, tenant: str | None = None, *, revoked: bool = False) -> list[sa.RowMapping]:
        """Contracts, of one tenant or all; those revoked only if asked for."""
        query = sa.select(CONTRACTS).order_by(CONTRACTS.c.created, CONTRACTS.c.id)
        if tenant is not None:
            query = query.where(CONTRACTS.c.tenant == tenant)
        return self.store.rows(query if revoked else query.where(CONTRACTS.c.revoked.is_(None)))

    def revoke_contract(self, contract: str) -> None:
        """End a contract now."""
        with self.store.write() as connection:
            done = connection.execute(
                sa.update(CONTRACTS)
                .where(CONTRACTS.c.id == contract, CONTRACTS.c.revoked.is_(None))
                .values(revoked=stamp())
            )
        if done.rowcount == 0:
            raise UnknownName("no contract in force has this id", field="contract", value=contract)

    def share_run(self, run_id: str, tenant: str) -> None:
        """Let a tenant read a run's results; ``public`` lets everyone."""
        with self.store.write() as connection:
            known = sa.select(RUN_OWNERS).where(RUN_OWNERS.c.run_id == run_id, RUN_OWNERS.c.tenant == tenant)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(RUN_OWNERS).values(run_id=run_id, tenant=tenant))


def digest_of(secret: str) -> str:
    """What the store keeps of a key's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def parts_of(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text, or None if it is no key of Twinbox."""
    found = _KEY.fullmatch(text)
    return (found.group(1), found.group(2)) if found else None


def in_force(expires: str | None, revoked: str | None, at: datetime) -> bool:
    """Whether a key is neither expired nor revoked."""
    return revoked is None and (expires is None or moment(expires) > at)


def _key(row: sa.RowMapping) -> Key:
    granted = tuple(scope(text) for text in json.loads(row["scopes"]))
    return Key(
        row["id"], row["tenant"], row["label"], granted, row["created"], row["expires"], row["revoked"]
    )


def _tenant(row: sa.RowMapping) -> Tenant:
    return Tenant(
        row["id"], row["name"], bool(row["disabled"]), row["requests_per_minute"], row["requests_per_month"]
    )
