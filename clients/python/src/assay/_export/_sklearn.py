"""Reads scikit-learn's models: finds the reader of an estimator, and takes pipelines apart."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from ..exporter import ExportError
from . import _sklearn_hist, _sklearn_linear, _sklearn_trees
from ._common import module, type_name, unsupported
from ._model import Array, Golden, Model

_READERS = {**_sklearn_trees.READERS, **_sklearn_hist.READERS, **_sklearn_linear.READERS}


def read(model: Any) -> Model:
    version = module("sklearn").__version__
    if tuple(int(part) for part in version.split(".")[:2]) < (1, 4):
        raise ExportError(f"scikit-learn {version} is not supported; 1.4 is the first that is")
    reader = _READERS.get(type_name(model))
    if reader is None or not type(model).__module__.startswith("sklearn."):
        raise ExportError(f"{type(model).__module__}.{type_name(model)} is not supported")
    if not hasattr(model, "n_features_in_"):
        raise unsupported(model, "it is not fitted")
    result = reader(model)
    names = getattr(model, "feature_names_in_", None)
    result.feature_names = None if names is None else [str(name) for name in names]
    return result


def is_pipeline(model: Any) -> bool:
    return type_name(model) == "Pipeline" and type(model).__module__.startswith("sklearn.")


def read_pipeline(model: Any, read_last: Callable[[Any], Model]) -> Model:
    """A StandardScaler, or none, and a model of any kind."""
    *steps, (_, last) = model.steps
    transformers = [step for _, step in steps if step is not None and not isinstance(step, str)]
    result = read_last(last)
    for transformer in transformers:
        if type_name(transformer) != "StandardScaler" or len(transformers) > 1:
            raise unsupported(model, f"a step {type_name(transformer)}; one StandardScaler is supported")
        _add_scaler(result, transformer)
    return result


def _add_scaler(result: Model, scaler: Any) -> None:
    if result.categorical or result.categories:
        raise ExportError("categorical features behind a StandardScaler are no categories any more")
    count = result.ensemble.feature_count
    means = np.asarray(scaler.mean_, np.float64) if scaler.with_mean else np.zeros(count)
    scales = np.asarray(scaler.scale_, np.float64) if scaler.with_std else np.ones(count)
    result.ensemble.scaler = (means, scales)
    predict, tolerance = result.predict, result.tolerance

    def scaled(numbers: Array) -> Array:
        return np.asarray((numbers - means) / scales)

    def predict_scaled(rows: Any, numbers: Array) -> Golden:
        return predict(scaler.transform(rows), scaled(numbers))

    result.predict = predict_scaled
    result.tolerance = lambda numbers: tolerance(scaled(numbers))
    # A scaler computes in the type of its rows.
    result.row_type = np.float64
    names = getattr(scaler, "feature_names_in_", None)
    result.feature_names = None if names is None else [str(name) for name in names]
    result.provenance.insert(3, ("source.pipeline", f"StandardScaler, {dict(result.provenance).get('source.model', '')}"))
