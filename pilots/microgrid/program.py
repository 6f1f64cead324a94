"""A sparse linear programme, built in blocks and solved by HiGHS.

Huangfu and Hall 2018, doi 10.1007/s12532-017-0130-5.

Blocks are arrays of columns and rows, one entry a step, so that a year is laid down in a few calls and no
object is made per variable. A programme once built is kept: a re-plan changes costs, bounds and right-hand
sides only, and the solver goes on from its last basis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geodata.errors import TwinboxError

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

INFINITY = highspy.kHighsInf
HIGHEST_COST = 1e6


class NoSolution(TwinboxError):
    """A programme has no optimum: its limits contradict each other, or its cost has no bound."""


@dataclass
class LinearProgram:
    """Minimise cost x subject to limits on columns and rows.

    Columns and rows are numbered from 0 in the order they are added. Call :meth:`solve` once all are there.
    """

    _costs: list[Floats] = field(default_factory=list)
    _column_limits: list[tuple[Floats, Floats]] = field(default_factory=list)
    _row_limits: list[tuple[Floats, Floats]] = field(default_factory=list)
    _entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    _whole: list[Ints] = field(default_factory=list)
    _columns: int = 0
    _rows: int = 0
    _solver: Any = None
    presolve: bool = True
    _scale: float = 1.0

    def add_columns(
        self, count: int, cost: ArrayLike = 0.0, lower: ArrayLike = 0.0, upper: ArrayLike = INFINITY
    ) -> Ints:
        """Add a block of columns; scalars hold for all of them. Returns their numbers."""
        self._costs.append(_full(cost, count))
        self._column_limits.append((_full(lower, count), _full(upper, count)))
        self._columns += count
        return np.arange(self._columns - count, self._columns, dtype=np.int32)

    def add_rows(self, count: int, lower: ArrayLike, upper: ArrayLike) -> Ints:
        """Add a block of rows; scalars hold for all of them. Returns their numbers."""
        self._row_limits.append((_full(lower, count), _full(upper, count)))
        self._rows += count
        return np.arange(self._rows - count, self._rows, dtype=np.int32)

    def put(self, rows: Ints, columns: Ints, coefficients: ArrayLike) -> None:
        """Add coefficients, one for each pair of row and column."""
        rows, columns = np.broadcast_arrays(rows, columns)
        values = _full(coefficients, len(rows))
        used = values != 0.0
        self._entries.append((rows[used].astype(np.int32), columns[used].astype(np.int32), values[used]))

    def make_whole(self, columns: Ints) -> None:
        """Let columns take whole numbers only."""
        self._whole.append(columns)

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows, columns and coefficients."""
        return self._rows, self._columns, sum(len(values) for _, _, values in self._entries)

    def load(self, method: str = "simplex") -> None:
        """Hand the programme over to the solver; what is changed from then on is a re-plan."""
        if self._solver is None:
            self._solver = self._passed(method)

    def solve(self, *, method: str = "simplex") -> Floats:
        """The optimal columns.

        Raises:
            NoSolution: If there is none.
        """
        self.load(method)
        assert self._solver is not None
        self._solver.run()
        status = self._solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoSolution(
                "the linear programme has no optimum", value=self._solver.modelStatusToString(status)
            )
        return np.array(self._solver.getSolution().col_value)

    @property
    def objective(self) -> float:
        """The optimal cost of the last solution."""
        assert self._solver is not None, "solve first"
        return float(self._solver.getInfo().objective_function_value) / self._scale

    def row_prices(self) -> Floats:
        """What one more unit on the right-hand side of each row would add to the cost."""
        assert self._solver is not None, "solve first"
        return np.array(self._solver.getSolution().row_dual) / self._scale

    def change_costs(self, columns: Ints, costs: Floats) -> None:
        """Replace the costs of some columns."""
        assert self._solver is not None, "solve first"
        self._solver.changeColsCost(len(columns), columns, costs * self._scale)

    def change_column_limits(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Replace the limits of some columns."""
        assert self._solver is not None, "solve first"
        self._solver.changeColsBounds(len(columns), columns, lower, upper)

    def change_row_limits(self, rows: Ints, lower: Floats, upper: Floats) -> None:
        """Replace the limits of some rows."""
        assert self._solver is not None, "solve first"
        self._solver.changeRowsBounds(len(rows), rows, lower, upper)

    def _passed(self, method: str) -> Any:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self._columns, self._rows
        costs = np.concatenate(self._costs)
        self._scale = _scale_of(costs)
        model.col_cost_ = costs * self._scale
        model.col_lower_ = np.concatenate([low for low, _ in self._column_limits])
        model.col_upper_ = np.concatenate([high for _, high in self._column_limits])
        model.row_lower_ = np.concatenate([low for low, _ in self._row_limits])
        model.row_upper_ = np.concatenate([high for _, high in self._row_limits])
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        matrix = sparse.csc_array((values, (rows, columns)), shape=(self._rows, self._columns))
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        if self._whole:
            kinds = [highspy.HighsVarType.kContinuous] * self._columns
            for column in np.concatenate(self._whole):
                kinds[column] = highspy.HighsVarType.kInteger
            model.integrality_ = kinds
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in {
            "output_flag": False,
            "threads": 1,
            "solver": "choose" if self._whole else method,
        }.items():
            solver.setOptionValue(name, value)
        if not self.presolve:
            solver.setOptionValue("presolve", "off")
        solver.passModel(model)
        self._entries.clear()
        return solver


def _scale_of(costs: Floats) -> float:
    """A power of two that brings excessive costs down to where the solver's tolerances mean something."""
    most = float(np.abs(costs).max()) if len(costs) else 0.0
    return 1.0 if most <= HIGHEST_COST else float(2.0 ** -np.ceil(np.log2(most / HIGHEST_COST)))


def _full(value: ArrayLike, count: int) -> Floats:
    return np.broadcast_to(np.asarray(value, np.float64), (count,)).copy()
