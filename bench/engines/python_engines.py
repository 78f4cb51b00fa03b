"""Engines that can only be measured through Python; the interpreter's share is in their figures, and the results say so.

Usage: python_engines.py ENGINE MODEL FOLDER score|contributions BATCH SECONDS CALLS CALLS_MIN PROCESSOR OUTPUTS
Prints and writes what the C harness does (harness/main.c).
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np

from artefacts import Unavailable, ydf_columns
from models import MODELS, Model

BATCHES_MAX = 2000
WARM_UP_SHARE = 5

Scorer = Callable[[np.ndarray], np.ndarray]


def load(model: Model, folder: Path) -> Any:
    if model.framework == "xgboost":
        import xgboost

        booster = xgboost.Booster(model_file=folder / model.file_name)
        booster.set_param({"nthread": 1})
        return booster
    if model.framework == "lightgbm":
        import lightgbm

        return lightgbm.Booster(model_file=folder / model.file_name)
    return pickle.loads((folder / model.file_name).read_bytes())


def scikit_learn(model: Model, folder: Path) -> Scorer:
    forest = load(model, folder)
    if model.framework == "isolation-forest":
        return lambda rows: forest.score_samples(rows)
    return lambda rows: forest.predict_proba(rows)[:, 1]


def onedal(model: Model, folder: Path) -> Scorer:
    import daal4py

    if model.categorical or model.framework not in ("xgboost", "lightgbm"):
        raise Unavailable("daal4py converts numeric boosted trees only")
    converted = daal4py.mb.convert_model(load(model, folder))
    return lambda rows: converted.predict_proba(rows)[:, 1]


def shap_extension(model: Model, folder: Path) -> Scorer:
    import shap_extension

    if model.categorical:
        raise Unavailable("shap's own code knows no categorical splits")
    return shap_extension.contributions(load(model, folder))


def measure(score: Scorer, rows: np.ndarray, batch: int, calls: int, calls_min: int, seconds: float, outputs: np.ndarray) -> dict[str, Any]:
    """The same plan as timing.c: calls of `batch` rows that cycle through the rows, after a warm-up of a fifth of the time."""
    clock = time.perf_counter_ns
    overhead = sorted(-clock() + clock() for _ in range(2001))[1000]
    starts = range(0, len(rows) - batch + 1, batch)
    begin, spent, warm = clock(), 0, 0
    while warm < calls and spent < seconds * 1e9 / WARM_UP_SHARE:
        first = starts[warm % len(starts)]
        score(rows[first : first + batch])
        warm, spent = warm + 1, clock() - begin
    count = max(calls_min, min(calls, int(seconds * 1e9 / (spent / warm))))
    samples = np.zeros(count)
    for index in range(count):
        first = starts[index % len(starts)]
        slice_ = rows[first : first + batch]
        begin = clock()
        result = score(slice_)
        samples[index] = clock() - begin
        outputs[first : first + batch] = np.reshape(result, (batch, -1))
    samples = np.sort(np.maximum(samples - overhead, 0))
    return {"rows": batch, "calls": count, "p50": samples[count // 2], "p99": samples[count - 1 - count // 100], "mean": samples.mean(),
            "overhead": overhead}


def ydf(model: Model, folder: Path, batch: int, seconds: float, outputs: np.ndarray) -> dict[str, Any]:
    """YDF's own benchmark of its C++ engine, without Python: a mean, no percentiles."""
    import ydf as library

    trees = library.load_model(str(folder / "ydf"))
    rows = np.load(folder / "rows.npy")
    own = model.framework in ("xgboost", "lightgbm")
    columns = ydf_columns(model, rows) if own else {"features": rows}
    outputs[0, :, 0] = outputs[1, :, 0] = trees.predict(columns, num_threads=1)
    figures = {}
    for name, size in (("single", 1), ("batch", batch)):
        result = trees.benchmark(
            columns, batch_size=size, num_threads=1, benchmark_duration=seconds, warmup_duration=seconds / WARM_UP_SHARE)
        mean = result.duration_per_example * 1e9 * size
        figures[name] = {"rows": size, "calls": result.num_runs * len(rows) // size, "p50": mean, "p99": None, "mean": mean}
    return figures | {"engine": trees.list_compatible_engines()[0]}


ENGINES = {"scikit-learn": scikit_learn, "onedal": onedal, "shap": shap_extension}


def main() -> None:
    engine, name, place, _, *numbers, path = sys.argv[1:]
    batch, calls, calls_min, processor = (int(numbers[index]) for index in (0, 2, 3, 4))
    model, folder, seconds = MODELS[name], Path(place), float(numbers[1])
    os.sched_setaffinity(0, {processor})
    rows = np.fromfile(folder / "rows.f32", dtype=np.float32).reshape(-1, model.feature_count)
    width = model.feature_count + 1 if engine == "shap" else 1
    outputs = np.full((2, len(rows), width), np.nan)
    if engine == "ydf":
        figures = ydf(model, folder, batch, seconds, outputs)
    else:
        score = ENGINES[engine](model, folder)
        figures = {"single": measure(score, rows, 1, calls, calls_min, seconds, outputs[0]),
                   "batch": measure(score, rows, batch, BATCHES_MAX, 1, seconds, outputs[1])}
    outputs.tofile(path)
    print(json.dumps(figures))


if __name__ == "__main__":
    try:
        main()
    except Unavailable as error:
        sys.exit(str(error))
