"""The result of a run: KPIs, simulated data, and a manifest that lets anyone defend or repeat them.

On disk a run is a folder: `run.json` (the manifest), `kpis.parquet`, `data.zarr`. It appears there by one
rename, whole or not at all.

Example::

    result = twin.open_result("runs/transport-rae+tallinn-0f3a…")
    result.kpis                         # pilot, city, kpi, value, unit, better, low, high
    result.data["transport/tallinn"]    # an xarray dataset
    result.manifest["verdict"]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geodata.atomic import new_folder
from geodata.errors import UnknownName
from geodata.pack import hash_of
from twin.errors import DamagedRun

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FORMAT = "twinbox-run/1"
MANIFEST, KPIS, DATA = "run.json", "kpis.parquet", "data.zarr"
COLUMNS = ("pilot", "city", "kpi", "value", "unit", "better", "low", "high")


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        kpis: One row per pilot, city and KPI: ``pilot, city, kpi, value, unit, better, low, high``; ``low``
            and ``high`` bound the value where it is random (95 % over replications, or the model's own), NaN
            where it is not.
        data: What was simulated, one group per pilot and city: ``/transport/tallinn``.
        manifest: Verdict, plan, pack hashes, licences, versions, ``run_id``, ``run_hash``.
    """

    kpis: pd.DataFrame
    data: xr.DataTree
    manifest: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """The run's short name."""
        return str(self.manifest["run_id"])

    @property
    def run_hash(self) -> str:
        """Hash of plan, packs and versions."""
        return str(self.manifest["run_hash"])

    def value(self, kpi: str, city: str, pilot: str | None = None) -> float:
        """One KPI's value.

        Raises:
            UnknownName: There is no such row.
        """
        rows = self.kpis[(self.kpis.kpi == kpi) & (self.kpis.city == city)]
        if pilot is not None:
            rows = rows[rows.pilot == pilot]
        if len(rows) != 1:
            raise UnknownName(
                "the result has no single KPI of this name for this city", field=kpi, value=city
            )
        return float(rows.value.iloc[0])

    @property
    def district_kpis(self) -> pd.DataFrame:
        """KPIs by district, with columns ``pilot, city, district, kpi, value, unit, better``.

        They are the variables of the data that are named like a KPI and have ``district`` as only dimension.
        """
        import pandas as pd

        known = {(row.pilot, row.kpi): (row.unit, row.better) for row in self.kpis.itertuples()}
        rows = [
            (pilot, city, str(district), str(name), float(value), *known[pilot, str(name)])
            for pilot, cities in self.data.children.items()
            for city, node in cities.children.items()
            for name, variable in node.data_vars.items()
            if variable.dims == ("district",) and (pilot, str(name)) in known
            for district, value in zip(variable["district"].values, variable.values, strict=True)
        ]
        return pd.DataFrame(rows, columns=["pilot", "city", "district", "kpi", "value", "unit", "better"])

    def save(self, path: str | Path) -> Path:
        """Write the run to a folder that must not exist yet; it appears whole or not at all."""
        path = Path(path)
        with new_folder(path) as folder:
            self.kpis.to_parquet(folder / KPIS, index=False, compression="zstd")
            # Version 2 of Zarr, because text has no settled form in version 3 yet and every reader knows 2.
            self.data.to_zarr(folder / DATA, zarr_format=2, consolidated=True)
            files = {name: hash_of(folder / name) for name in (KPIS, DATA)}
            text = json.dumps(
                {**self.manifest, "files": files}, indent=1, ensure_ascii=False, allow_nan=False
            )
            (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
        return path


def open_result(path: str | Path) -> Result:
    """Open a stored run; its data are read lazily.

    Raises:
        DamagedRun: The folder is no run, or its files are not those that its manifest lists.
    """
    import pandas as pd
    import xarray as xr

    path = Path(path)
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["format"] != FORMAT:
            raise DamagedRun(
                "the run has another format", file=path, value=manifest["format"], expected=FORMAT
            )
        files = manifest.pop("files")
        if hash_of(path / KPIS) != files[KPIS]:
            raise DamagedRun("the KPI table differs from what the run's manifest says", file=path / KPIS)
        kpis = pd.read_parquet(path / KPIS)
        data = xr.open_datatree(path / DATA, engine="zarr", consolidated=True)
    except (OSError, ValueError, KeyError) as error:
        raise DamagedRun(f"no run can be read here: {error}", file=path) from error
    return Result(kpis, data, manifest)


def verify(path: str | Path) -> None:
    """Compare every file of a stored run with its manifest.

    Raises:
        DamagedRun: A file is missing or differs.
    """
    path = Path(path)
    open_result(path)
    files = json.loads((path / MANIFEST).read_bytes())["files"]
    for name, digest in files.items():
        if hash_of(path / name) != digest:
            raise DamagedRun("a file differs from what the run's manifest says", file=path / name)
