"""Writes bundles from fitted models; `assay.export` is the way in.

A reader per framework makes the canonical form of `_model`, `_pack` lays it out, `_score` proves it against the framework's own
results before `_file` makes the bytes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import Any, List, Mapping, Optional, Sequence

import numpy as np

from .._version import __version__
from ..exporter import ExportedBundle, ExportError
from . import _lightgbm, _schema, _sklearn, _xgboost
from ._common import type_name
from ._file import Feature, GoldenRows, bundle_bytes
from ._model import Array, Golden, Model
from ._pack import Packed, pack
from ._rows import Rows, as_type
from ._score import score

GOLDEN_ROW_COUNT_MAX = 10_000
#: So many rows are compared even where fewer are to travel in the bundle.
COMPARED_ROW_COUNT_MIN = 100
#: What admission grants to golden rows.
GOLDEN_STEP_COUNT_MAX = 1 << 33


def export(
    model: Any,
    X: Any,
    *,
    name: str,
    path: Any,
    schema: Optional[_schema.SchemaSource],
    overrides: Mapping[str, Any],
    golden_rows: int,
    provenance: Mapping[str, str],
) -> ExportedBundle:
    if not 0 <= golden_rows <= GOLDEN_ROW_COUNT_MAX:
        raise ExportError(f"golden_rows is {golden_rows}; a bundle has 0 to {GOLDEN_ROW_COUNT_MAX}")
    given = _schema.load(schema)
    rows = Rows(X)
    read = _read(model, rows)
    _check_features(read, rows)
    packed = pack(read.ensemble)
    golden = _golden(read, packed, rows, golden_rows)
    data = bundle_bytes(
        packed,
        name=name,
        objective=read.objective,
        features=_schema.features(given, _features(read, rows)),
        policy=_schema.policy(given, overrides, read.policy),
        provenance=[
            *read.provenance,
            ("source.features", str(read.ensemble.feature_count)),
            # Of which golden rows are some.
            ("source.rows", f"{rows.row_count} x {rows.feature_count}"),
            ("source.exporter", f"assay {__version__} for Python"),
            *_schema.provenance(given, provenance),
        ],
        golden=golden,
    )
    if path is not None:
        _write_atomically(data, os.fspath(path))
    return ExportedBundle(
        name=name,
        digest=hashlib.sha256(data).hexdigest(),
        data=data,
        path=None if path is None else os.fspath(path),
        objective=read.objective,
        feature_count=read.ensemble.feature_count,
        output_count=read.ensemble.output_count,
        tree_count=len(read.ensemble.trees),
        golden_row_count=len(golden.rows),
        raw_tolerance=golden.raw_tolerance,
        output_tolerance=golden.output_tolerance,
    )


def _read(model: Any, rows: Rows) -> Model:
    """By the packages that the model's class and its ancestors come from."""
    packages = {ancestor.__module__.split(".")[0] for ancestor in type(model).__mro__}
    if "xgboost" in packages:
        return _xgboost.read(model, rows)
    if "lightgbm" in packages:
        return _lightgbm.read(model, rows)
    if _sklearn.is_pipeline(model):
        return _sklearn.read_pipeline(model, lambda last: _read(last, rows))
    if "sklearn" in packages:
        return _sklearn.read(model)
    raise ExportError(f"{type(model).__module__}.{type_name(model)} is no model of XGBoost's, LightGBM's or scikit-learn's")


def _check_features(read: Model, rows: Rows) -> None:
    if rows.feature_count != read.ensemble.feature_count:
        raise ExportError(f"X has {rows.feature_count} columns, the model {read.ensemble.feature_count} features")
    if rows.names is None or read.feature_names is None:
        return
    for index, (column, trained) in enumerate(zip(rows.names, read.feature_names)):
        # LightGBM has names of its own for columns without any, and keeps no blanks.
        if trained not in (column, column.replace(" ", "_"), f"Column_{index}"):
            raise ExportError(f"column {index} of X is {column!r}, the model's feature {index} is {trained!r}")


def _features(read: Model, rows: Rows) -> List[Feature]:
    names: Sequence[str] = rows.names or read.feature_names or [f"f{index}" for index in range(rows.feature_count)]
    return [
        Feature(name, "categorical" if index in read.categorical or index in read.categories else kind, read.accepts_missing)
        for index, (name, kind) in enumerate(zip(names, rows.types))
    ]


def _golden(read: Model, packed: Packed, rows: Rows, count: int) -> GoldenRows:
    """Rows of X with what the model itself gives for them, compared with what the bundle gives."""
    count = min(count, GOLDEN_STEP_COUNT_MAX // packed.steps_per_row)
    indices = rows.spread(max(count, COMPARED_ROW_COUNT_MIN))
    numbers = _numbers(read, rows, indices)
    # The server takes no infinite values.
    finite = ~np.isinf(numbers).any(axis=1)
    if not finite.any():
        raise ExportError("no row of X is without infinite values")
    indices, numbers = indices[finite], numbers[finite]
    taken = rows.take(indices)
    results = read.predict(taken if read.row_type is None else as_type(taken, read.row_type), numbers.astype(np.float64))
    raw, outputs = score(packed, numbers)
    granted = read.tolerance(numbers.astype(np.float64))
    if results.raw is None:
        results.raw = raw
    raw_tolerance = _needed(raw, results.raw, granted[0], "raw score", indices)
    output_tolerance = _needed(outputs, results.outputs, granted[1], "output", indices)
    chosen = np.isin(indices, rows.spread(count))
    return GoldenRows(numbers[chosen], Golden(results.raw[chosen], results.outputs[chosen]), raw_tolerance, output_tolerance)


def _numbers(read: Model, rows: Rows, indices: Array) -> Array:
    numbers = rows.numbers(indices, read.categories, read.encodes_categories)
    with np.errstate(over="ignore"):
        return numbers.astype(read.ensemble.travel_type)


def _needed(computed: Array, reference: Array, granted: float, what: str, indices: Array) -> float:
    """0 if all results have the same bits, else what is granted, if that is enough."""
    if computed.shape != reference.shape:
        raise ExportError(f"the model gives {reference.shape[1]} {what}s, the bundle {computed.shape[1]}")
    differs = computed.astype(np.float64).view(np.uint64) != np.ascontiguousarray(reference, np.float64).view(np.uint64)
    if not differs.any():
        return 0.0
    is_far = differs & ~(np.abs(computed - reference) <= granted * np.maximum(1.0, np.abs(reference)))
    if is_far.any():
        row, column = (int(place) for place in np.argwhere(is_far)[0])
        got, expected = float(computed[row, column]), float(reference[row, column])
        raise ExportError(f"row {int(indices[row])} of X: {what} {column} would be {got!r}, the model gives {expected!r}")
    return granted


def _write_atomically(data: bytes, path: str) -> None:
    directory = os.path.dirname(path) or "."
    descriptor, temporary = tempfile.mkstemp(prefix=".assay-export-", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # As open() would make it: mkstemp lets nobody else read.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


__all__: List[str] = ["export"]
