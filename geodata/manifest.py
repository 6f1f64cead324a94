"""What a pack says of itself: `pack.json`, one entry per dataset with licence, grade, state and hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geodata.city import City


class Grade(StrEnum):
    """How a dataset came to be, best first."""

    MEASURED = "measured"
    OFFICIAL = "official"
    DERIVED = "derived"
    RECONSTRUCTED = "reconstructed"
    SYNTHETIC = "synthetic"

    @property
    def rank(self) -> int:
        """0 for measured, 4 for synthetic."""
        return list(Grade).index(self)

    def meets(self, least: Grade) -> bool:
        """Whether this grade is at least as good as another."""
        return self.rank <= least.rank


class State(StrEnum):
    """Whether a dataset may feed an indicator: only production data may."""

    STAGING = "staging"
    MAINTENANCE = "maintenance"
    PRODUCTION = "production"


class Residency(StrEnum):
    """Where a dataset may go: anywhere, where an agreement says, or nowhere."""

    OPEN = "open"
    AGREED = "agreed"
    STAYS = "stays"


class Provenance(BaseModel):
    """Where a dataset comes from and what may be done with it; written once, in the recipe.

    ``variables`` holds the grade of single columns where it differs from the dataset's, as authors of
    synthetic populations give it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1, description="who made the data and what they call it")]
    licence: Annotated[str, Field(min_length=1, description="SPDX identifier or the name on the card")]
    attribution: Annotated[str, Field(min_length=1, description="the words that must stand beside the data")]
    grade: Grade
    state: State = State.PRODUCTION
    state_reason: str | None = None
    residency: Residency = Residency.OPEN
    retrieved: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    variables: Mapping[str, Grade] = {}
    notes: str | None = None


class DatasetEntry(BaseModel):
    """One dataset of a pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
    kind: str
    file: str
    form: Literal["table", "cube"]
    rows: int
    columns: tuple[str, ...]
    crs: str | None = None
    bbox: tuple[float, float, float, float] | None = Field(
        default=None, description="west, south, east, north, WGS 84"
    )
    time_start: datetime | None = None
    time_end: datetime | None = None
    resolution_s: float | None = None
    provenance: Provenance
    sha256: str


class PackManifest(BaseModel):
    """The manifest of a pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["twinbox-pack/1"] = "twinbox-pack/1"
    city: City
    demo: bool = False
    recipe_sha256: str
    datasets: tuple[DatasetEntry, ...]
    extras: Annotated[Mapping[str, str], Field(description="texts beside the data: name and file")] = {}

    @property
    def content_hash(self) -> str:
        """SHA-256 over all the manifest says of city and data; two packs with one hash hold the same data.

        Texts beside the data, such as the cleaning report, do not count.
        """
        said = self.model_dump(mode="json", exclude={"extras"})
        return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value gives the same text, whoever writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
