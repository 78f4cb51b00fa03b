"""The models that every engine scores: trained here with fixed seeds, with the rows and what the model itself says of them.

Each is a directory: `model.*` (the framework's own file), `rows.f32` [rows, features], `reference.npy` (float64; XGBoost's float32 results
widened), `contributions.npy` (SHAP values of the first rows) and `about.json`. YDF has trees of its own of the same number and size: it
reads no other framework's boosted trees.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import IsolationForest, RandomForestClassifier

import data

ROW_COUNT = 25_000
ROW_SEED = 20_001
TRAINING_SEED = 20_002
# Rows whose SHAP values are compared; the slowest model's take a few seconds.
CONTRIBUTION_ROW_COUNT = 256
XGBOOST = {"objective": "binary:logistic", "tree_method": "hist", "max_bin": 256, "min_child_weight": 1, "seed": 7, "nthread": 1}
LIGHTGBM = {"objective": "binary", "num_leaves": 63, "learning_rate": 0.05, "seed": 7, "deterministic": True, "force_row_wise": True,
            "num_threads": 1, "verbose": -1}
CARDINALITIES = [6, 24, 60, 200]


@dataclass(frozen=True)
class Model:
    name: str
    title: str
    framework: str  # xgboost, lightgbm, isolation-forest, random-forest
    training_row_count: int
    numeric_count: int = 30
    cardinalities: list[int] = field(default_factory=list)
    missing: bool = True
    tree_count: int = 100
    depth: int = 0

    @property
    def feature_count(self) -> int:
        return self.numeric_count + len(self.cardinalities)

    @property
    def categorical(self) -> list[int]:
        return list(range(self.numeric_count, self.feature_count))

    @property
    def file_name(self) -> str:
        return {"xgboost": "model.json", "lightgbm": "model.txt"}.get(self.framework, "model.pickle")

    def table(self, row_count: int, seed: int) -> data.Table:
        return data.table(row_count, seed, self.numeric_count, self.cardinalities, self.missing)


MODELS = {
    model.name: model
    for model in [
        Model("a", "XGBoost 100 x depth 6", "xgboost", 60_000, depth=6),
        Model("b", "XGBoost 500 x depth 8", "xgboost", 60_000, tree_count=500, depth=8),
        Model("c", "LightGBM 300 x 63 leaves, 4 categorical", "lightgbm", 60_000, 26, CARDINALITIES, tree_count=300),
        Model("d", "Isolation Forest 100 trees", "isolation-forest", 20_000, missing=False),
        Model("e", "Random forest 200 x depth 12", "random-forest", 20_000, missing=False, tree_count=200, depth=12),
        Model("f", "LightGBM 300 x 63 leaves, numbers only", "lightgbm", 60_000, 30, tree_count=300),
    ]
}


def make_xgboost(model: Model, training: data.Table, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    parameters = XGBOOST | {"max_depth": model.depth, "eta": 0.1}
    booster = xgboost.train(parameters, xgboost.DMatrix(training.rows, training.labels, nthread=1), model.tree_count)
    booster.save_model(folder / model.file_name)
    matrix = xgboost.DMatrix(rows[:CONTRIBUTION_ROW_COUNT], nthread=1)
    return {
        "reference": booster.predict(xgboost.DMatrix(rows, nthread=1)),
        "contributions": booster.predict(matrix, pred_contribs=True),
        "node_count": sum(tree.count("\n") for tree in booster.get_dump()),
    }


def make_lightgbm(model: Model, training: data.Table, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    dataset = lightgbm.Dataset(training.rows, training.labels, categorical_feature=model.categorical)
    booster = lightgbm.train(LIGHTGBM, dataset, model.tree_count)
    booster.save_model(folder / model.file_name)
    return {
        "reference": booster.predict(rows, num_threads=1),
        "contributions": booster.predict(rows[:CONTRIBUTION_ROW_COUNT], pred_contrib=True, num_threads=1),
        "node_count": sum(2 * tree["num_leaves"] - 1 for tree in booster.dump_model()["tree_info"]),
    }


def make_sklearn(estimator: Any, score: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, path: Path) -> dict[str, Any]:
    path.write_bytes(pickle.dumps(estimator))
    return {"reference": score(rows), "node_count": sum(tree.tree_.node_count for tree in estimator.estimators_)}


def make_isolation_forest(model: Model, training: data.Table, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    forest = IsolationForest(n_estimators=model.tree_count, max_samples=256, random_state=7, n_jobs=1).fit(training.rows)
    return make_sklearn(forest, forest.score_samples, rows, folder / model.file_name)


def make_random_forest(model: Model, training: data.Table, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    forest = RandomForestClassifier(n_estimators=model.tree_count, max_depth=model.depth, random_state=7, n_jobs=1)
    forest.fit(training.rows, training.labels)
    return make_sklearn(forest, lambda rows: forest.predict_proba(rows)[:, 1], rows, folder / model.file_name)


MAKERS = {"xgboost": make_xgboost, "lightgbm": make_lightgbm, "isolation-forest": make_isolation_forest,
          "random-forest": make_random_forest}


def source() -> str:
    """What the models follow from: another state of these files makes other models."""
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in ("data.py", "models.py", "requirements.txt"))).hexdigest()


def is_made(folder: Path) -> bool:
    about = folder / "about.json"
    return about.exists() and json.loads(about.read_text())["source"] == source()


def make(model: Model, folder: Path) -> None:
    """Writes the model's directory anew; `about.json` comes last and says that it is complete."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = model.table(ROW_COUNT, ROW_SEED).rows
    rows.tofile(folder / "rows.f32")
    np.save(folder / "rows.npy", rows)
    made = MAKERS[model.framework](model, model.table(model.training_row_count, TRAINING_SEED), rows, folder)
    np.save(folder / "reference.npy", np.asarray(made.pop("reference"), dtype=np.float64))
    if "contributions" in made:
        np.save(folder / "contributions.npy", np.asarray(made.pop("contributions"), dtype=np.float64))
    about = {"name": model.name, "title": model.title, "rows": len(rows), "features": model.feature_count, "source": source()}
    (folder / "about.json").write_text(json.dumps(about | made))
