"""Trains the demo models: two versions each of `cards` and `bitcoin`, with schema files, golden rows and samples for load tests.

Usage: train.py [--out DIR] [--samples DIR]. Deterministic: the same machine and versions give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

import bitcoin
import bitcoin_features
import cards

GOLDEN_ROW_COUNT = 256
# Share of all validation traffic that is at least reviewed.
REVIEW_RATE = {"cards": 0.015, "bitcoin": 0.10}
# Of what is declined, at least this share is bad in the validation rows.
DECLINE_PRECISION = {"cards": 0.95, "bitcoin": 0.97}

COMMON = {
    "objective": "binary:logistic", "tree_method": "hist", "eta": 0.12, "subsample": 0.8, "colsample_bytree": 0.8, "min_child_weight": 4,
    "nthread": 1,
}
# The second version differs enough that a swap shows in every score.
VERSIONS = [
    {"round_count": 100, "parameters": {"max_depth": 6, "seed": 7}},
    {"round_count": 80, "parameters": {"max_depth": 5, "seed": 8}},
]


@dataclass
class Table:
    """Rows [rows, features] float32 and labels [rows]."""

    rows: np.ndarray
    labels: np.ndarray

    def matrix(self, names: list[str]) -> xgboost.DMatrix:
        return xgboost.DMatrix(self.rows, label=self.labels, feature_names=names, nthread=1)


@dataclass
class Task:
    name: str
    model_suffix: str
    feature_names: list[str]
    sources: list[str]
    types: dict[str, str]
    missing_refused: set[str]
    training: Table
    validation: Table
    test: Table
    generator: str


def cards_task() -> Task:
    tables = [Table(*cards.generate(count, seed)) for count, seed in ((120_000, 101), (60_000, 102), (60_000, 103))]
    return Task(
        "cards", "json", cards.FEATURE_NAMES, cards.SOURCES, {}, cards.MISSING_REFUSED, *tables,
        generator="bench/train/cards.py, seeds 101 (training), 102 (validation), 103 (test)",
    )


def bitcoin_task() -> Task:
    def table(count: int, seed: int) -> Table:
        transactions, labels = bitcoin.generate(count, seed)
        return Table(bitcoin_features.matrix(transactions), np.array(labels, dtype=np.int8))

    names = bitcoin_features.FEATURE_NAMES
    return Task(
        "bitcoin", "ubj", names, names, bitcoin_features.TYPES, bitcoin_features.MISSING_REFUSED, table(30_000, 201),
        table(15_000, 202), table(15_000, 203),
        generator="bench/train/bitcoin.py, seeds 201 (training), 202 (validation), 203 (test)",
    )


def train(task: Task, number: int, out: Path) -> dict[str, Any]:
    """Writes model, schema and golden rows of version `number` (from 1) and returns its metrics."""
    version = VERSIONS[number - 1]
    parameters = COMMON | version["parameters"]
    booster = xgboost.train(parameters, task.training.matrix(task.feature_names), version["round_count"])
    model = out / f"model-{number}.{task.model_suffix}"
    booster.save_model(model)
    # What is measured and written down is what the file says, not what is in memory.
    booster = xgboost.Booster({"nthread": 1}, model_file=model)
    review, decline = thresholds(task, booster)
    metrics = measure(task, booster, review, decline) | {"model_bytes": model.stat().st_size, "trees": version["round_count"]}
    provenance = {
        "trained_by": "bench/train/train.py", "framework": f"xgboost {xgboost.__version__}", "data": task.generator,
        "parameters": json.dumps(parameters | {"rounds": version["round_count"]}, sort_keys=True),
        "test_auc": f"{metrics['test_auc']:.4f}", "synthetic": "true",
    }
    write_json(out / f"schema-{number}.json", schema(task, review, decline, provenance))
    golden = golden_rows(task, booster)
    np.save(out / f"golden-{number}.npy", golden)
    prediction = booster.predict(xgboost.DMatrix(golden, feature_names=task.feature_names, nthread=1))
    assert prediction.dtype == np.float32 and not np.isnan(prediction).any()
    np.save(out / f"golden-expected-{number}.npy", prediction)
    return metrics


def thresholds(task: Task, booster: xgboost.Booster) -> tuple[float, float]:
    """Review: REVIEW_RATE of the validation rows score at least this. Decline: the lowest score from which upwards the share of bad rows is
    at least DECLINE_PRECISION, at 20 rows or more. Rounded to 4 decimals."""
    scores = booster.predict(task.validation.matrix(task.feature_names)).astype(np.float64)
    review = float(np.quantile(scores, 1 - REVIEW_RATE[task.name]))
    order = np.argsort(-scores, kind="stable")
    precision = np.cumsum(task.validation.labels[order]) / np.arange(1, scores.size + 1)
    good = [index for index in np.nonzero(precision >= DECLINE_PRECISION[task.name])[0] if index >= 20]
    decline = float(scores[order][good[-1]])
    return round(min(review, decline), 4), round(decline, 4)


def measure(task: Task, booster: xgboost.Booster, review: float, decline: float) -> dict[str, Any]:
    """On the test rows, which neither training nor thresholds have seen."""
    labels = task.test.labels
    scores = booster.predict(task.test.matrix(task.feature_names)).astype(np.float64)
    declined, reviewed = scores >= decline, scores >= review
    return {
        "test_auc": area_under_roc(scores, labels), "test_average_precision": average_precision(scores, labels),
        "review_threshold": review, "decline_threshold": decline, "bad_rate": float(labels.mean()),
        "decline_rate": float(declined.mean()), "review_rate": float((reviewed & ~declined).mean()),
        "decline_precision": float(labels[declined].mean()), "caught_by_decline": float(declined[labels == 1].mean()),
        "caught_by_review_or_decline": float(reviewed[labels == 1].mean()),
    }


def area_under_roc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Chance that a bad row scores above a good one, ties counted half."""
    values, positions, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[positions]
    bad = int(labels.sum())
    return float((ranks[labels == 1].sum() - bad * (bad + 1) / 2) / (bad * (labels.size - bad)))


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = labels[order] == 1
    return float((np.cumsum(hits) / np.arange(1, labels.size + 1))[hits].mean())


def schema(task: Task, review: float, decline: float, provenance: dict[str, str]) -> dict[str, Any]:
    """What `assay bundle import --schema` reads."""
    return {
        "features": [
            {
                "name": name, "type": task.types.get(name, "float"),
                "missing": "refused" if name in task.missing_refused else "allowed", "source": source,
            }
            for name, source in zip(task.feature_names, task.sources)
        ],
        "review_threshold": review, "decline_threshold": decline, "deciding_output": 0, "provenance": provenance,
    }


def golden_rows(task: Task, booster: xgboost.Booster) -> np.ndarray:
    """A quarter each: test rows; rows with a third of the values missing; rows with values on, one ulp below and one ulp above thresholds
    of the model's own splits; rows of extremes (zero, -0, denormal, largest float32, integers)."""
    random = np.random.default_rng(42)
    quarter = GOLDEN_ROW_COUNT // 4
    picked = task.test.rows[random.choice(len(task.test.rows), GOLDEN_ROW_COUNT, replace=False)].copy()
    picked[: quarter // 2] = task.test.rows[np.nonzero(task.test.labels)[0][: quarter // 2]]
    allowed = np.array([name not in task.missing_refused for name in task.feature_names])
    picked[quarter : 2 * quarter][(random.random((quarter, allowed.size)) < 1 / 3) & allowed] = np.nan
    edges = split_thresholds(task, booster)
    for row in picked[2 * quarter : 3 * quarter]:
        for column, values in edges.items():
            value = np.float32(random.choice(values))
            row[column] = [np.nextafter(value, np.float32(-np.inf)), value, np.nextafter(value, np.float32(np.inf))][random.integers(3)]
    extremes = np.array([0, -0.0, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38, 1, -1, 16777217, 0.1], dtype=np.float32)
    for row in picked[3 * quarter :]:
        chosen = random.random(allowed.size) < 0.5
        row[chosen] = random.choice(extremes, int(chosen.sum()))
    for column in np.nonzero(~allowed)[0]:
        picked[np.isnan(picked[:, column]), column] = 1
    return picked


def split_thresholds(task: Task, booster: xgboost.Booster) -> dict[int, np.ndarray]:
    """Column to the thresholds at which the model splits it."""
    model = json.loads(bytes(booster.save_raw("json")))
    found: dict[int, set[float]] = {}
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        for left, column, threshold in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left >= 0:
                found.setdefault(column, set()).add(threshold)
    return {column: np.array(sorted(values), dtype=np.float32) for column, values in sorted(found.items())}


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


# -- Samples for load tests: never seen in training


def write_samples(directory: Path) -> None:
    """cards_rows.npy [2000, 30] float32 with more frauds than there are in life; bitcoin_transactions.jsonl, 300 transactions."""
    rows, _ = cards.generate(2000, seed=104, fraud_rate=0.04)
    np.save(directory / "cards_rows.npy", rows)
    transactions, _ = bitcoin.generate(600, seed=204)
    small = [transaction for transaction in transactions if len(transaction["vin"]) + len(transaction["vout"]) <= 24][:300]
    with open(directory / "bitcoin_transactions.jsonl", "w", encoding="utf-8") as file:
        for transaction in small:
            file.write(json.dumps(transaction, separators=(",", ":")) + "\n")
    np.save(directory / "bitcoin_rows.npy", bitcoin_features.matrix(small))


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=here / "out")
    parser.add_argument("--samples", type=Path, default=here)
    options = parser.parse_args()
    options.samples.mkdir(parents=True, exist_ok=True)
    write_samples(options.samples)
    for make in (cards_task, bitcoin_task):
        task = make()
        out = options.out / task.name
        out.mkdir(parents=True, exist_ok=True)
        metrics = {f"{task.name}-{number}": train(task, number, out) for number in range(1, len(VERSIONS) + 1)}
        write_json(out / "metrics.json", metrics)
        print(json.dumps(metrics, indent=2))
    print(f"xgboost {xgboost.__version__}, numpy {np.__version__}, Python {platform.python_version()}, {platform.machine()}")


if __name__ == "__main__":
    main()
