"""What an operator sets: where the server listens, who may read, how much one request or job may take.

Settings come from the file ``api.toml`` in Twinbox's home, and from environment variables, which win:
``TWINBOX_API_PUBLIC_URL=https://twin.example.ee`` sets ``public_url``. A name nobody knows is an error, so
that a misspelt limit is not a limit silently left out.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geodata.errors import InvalidInput
from geodata.home import home

PREFIX = "TWINBOX_API_"
MIB = 1024 * 1024


class Oidc(BaseModel):
    """An issuer whose bearer tokens are accepted (OpenID Connect).

    Example: an operator's Keycloak realm that names the tenant in the claim ``tenant``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(description="the `iss` that a token must carry")
    audience: str = Field(description="the `aud` that a token must carry")
    jwks: str = Field(description="file or https address of the issuer's public keys (JSON Web Key Set)")
    tenant_claim: str = Field(default="tenant", description="claim that names the tenant")
    scope_claim: str = Field(default="scope", description="claim with scopes, separated by spaces")


class Limits(BaseModel):
    """How much one request, upload or job may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: Annotated[int, Field(ge=1024)] = Field(MIB, description="body of an ordinary request")
    upload_bytes: Annotated[int, Field(ge=1024)] = Field(512 * MIB, description="an uploaded pack, packed")
    file_bytes: Annotated[int, Field(ge=1024)] = Field(64 * MIB, description="an uploaded file for runs")
    unpacked_bytes: Annotated[int, Field(ge=1024)] = Field(2048 * MIB, description="the same, unpacked")
    upload_files: Annotated[int, Field(ge=1)] = Field(20_000, description="files in an uploaded pack")
    upload_ratio: Annotated[float, Field(ge=1)] = Field(200.0, description="unpacked over packed size")
    page_features: Annotated[int, Field(ge=1)] = Field(10_000, description="features on one page")
    page_bytes: Annotated[int, Field(ge=1024)] = Field(8 * MIB, description="bytes on one page")
    cube_values: Annotated[int, Field(ge=1)] = Field(2_000_000, description="values in one coverage")
    vertices: Annotated[int, Field(ge=4)] = Field(10_000, description="vertices of a geometry in a request")
    job_memory_bytes: Annotated[int, Field(ge=256 * MIB)] = Field(4096 * MIB, description="memory of a job")
    job_cpu_s: Annotated[int, Field(ge=1)] = Field(3600, description="processor time of a job")
    job_wall_s: Annotated[float, Field(gt=0)] = Field(7200.0, description="time on the clock of a job")
    job_file_bytes: Annotated[int, Field(ge=MIB)] = Field(2048 * MIB, description="one file a job writes")
    job_processes: Annotated[int, Field(ge=1)] = Field(32, description="processes of a job at one time")
    job_days: Annotated[int, Field(ge=1)] = Field(3660, description="simulated days of a run")
    jobs_at_once: Annotated[int, Field(ge=1)] = Field(
        default_factory=lambda: max(1, (os.cpu_count() or 2) - 1), description="jobs that run at one time"
    )
    jobs_per_tenant: Annotated[int, Field(ge=1)] = Field(10, description="unfinished jobs of one tenant")
    sync_wait_s: Annotated[float, Field(gt=0)] = Field(
        300.0, description="how long a synchronous request waits for its job"
    )


class Settings(BaseModel):
    """An operator's settings. ``extra`` names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+[^/\s?#])?$")] = Field(
        "", description="address that users see, e.g. https://twin.example.ee/api; links begin with it"
    )
    title: str = "Twinbox"
    operator: str = "an operator of Twinbox"
    database: str = Field("", description="SQLAlchemy URL; an SQLite file in Twinbox's home if empty")
    home: Path = Field(default_factory=home, description="folder with packs, runs and the server's own files")
    open_data: bool = Field(default=False, description="datasets of residency `open` need no key")
    demo: bool = Field(default=True, description="cities without a pack are offered with generated data")
    open_runs: bool = Field(default=False, description="anyone may run processes")
    trust_proxy: tuple[str, ...] = Field(
        (), description="addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed"
    )
    cors_origins: tuple[str, ...] = Field((), description="origins of web pages that may call; * for all")
    requests_per_minute: Annotated[int, Field(ge=1)] = Field(
        6000, description="of a tenant, if it has no own"
    )
    requests_per_month: Annotated[int, Field(ge=1)] = Field(
        50_000_000, description="of a tenant, if it has no own"
    )
    metrics_token: str = Field("", description="bearer token for /metrics; loopback only if empty")
    grace_s: Annotated[float, Field(ge=0)] = Field(10.0, description="time for requests to end at shutdown")
    oidc: Oidc | None = None
    limits: Limits = Limits()

    @property
    def folder(self) -> Path:
        """Where the server keeps its own files: database, journal, prepared products, quarantine."""
        return self.home / "api"

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.database or f"sqlite:///{self.folder / 'api.sqlite'}"


def load_settings(**given: Any) -> Settings:
    """Settings from the file, the environment and the caller, the later winning.

    Args:
        given: Values that win over all, e.g. from the command line; None means not given.

    Raises:
        InvalidInput: A name is unknown or a value out of bounds.
    """
    values = _from_file(home() / "api.toml")
    _merge(values, _from_environment(os.environ))
    _merge(values, {name: value for name, value in given.items() if value is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            f"a setting of the server is not valid: {first['msg']}",
            field=".".join(map(str, first["loc"])),
            hint="docs/operators.md lists all settings",
        ) from error


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the settings are not valid TOML: {error}", file=path) from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``TWINBOX_API_LIMITS__BODY_BYTES=4096`` becomes ``{"limits": {"body_bytes": "4096"}}``."""
    values: dict[str, Any] = {}
    for name, text in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        path = name[len(PREFIX) :].lower().split("__")
        inner = values
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        lists = {"trust_proxy", "cors_origins"}
        inner[path[-1]] = tuple(filter(None, text.split(","))) if path[-1] in lists else text
    return values


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
