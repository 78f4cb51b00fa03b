"""Random forests of a wanted shape, as bundles: XGBoost's own file (UBJSON), proven by what XGBoost says of golden rows, through `assay bundle import`."""

from __future__ import annotations

import pathlib
import struct
from typing import Any

import lab
import numpy as np

GOLDEN_ROW_COUNT = 64
# What XGBoost insists on and the importer does not read; without it a model for a bundle of 500 MB is below the importer's limit for files.
UNREAD = {"base_weights", "loss_changes", "parents", "split_type"}


def tree(generator: np.random.Generator, features: int, depth: int, trees: int) -> dict[str, Any]:
    """A full tree; node i has the children 2i + 1 and 2i + 2. A leaf's value stands in the place of a threshold."""
    inner, count = 2**depth - 1, 2 ** (depth + 1) - 1
    index = np.arange(count)
    is_inner = index < inner
    thresholds = generator.standard_normal(count).astype(np.float32)
    thresholds[inner:] *= np.float32(1 / np.sqrt(trees))
    return {
        "base_weights": np.zeros(count, np.float32), "loss_changes": is_inner.astype(np.float32), "sum_hessian": np.ones(count, np.float32),
        "left_children": np.where(is_inner, 2 * index + 1, -1).astype(np.int32),
        "right_children": np.where(is_inner, 2 * index + 2, -1).astype(np.int32),
        "parents": np.where(index > 0, (index - 1) // 2, 2**31 - 1).astype(np.int32),
        "split_indices": (generator.integers(0, features, count) * is_inner).astype(np.int32), "split_conditions": thresholds,
        "split_type": np.zeros(count, np.uint8), "default_left": (generator.integers(0, 2, count) * is_inner).astype(np.uint8),
        "categories": np.zeros(0, np.int32), "categories_nodes": np.zeros(0, np.int32), "categories_segments": np.zeros(0, np.int64),
        "categories_sizes": np.zeros(0, np.int64),
        "tree_param": {"num_deleted": "0", "num_feature": str(features), "num_nodes": str(count), "size_leaf_vector": "1"},
    }


def ubjson(value: Any) -> bytes:
    """As XGBoost writes it: lengths are int64, arrays of numbers have their type before them."""
    if isinstance(value, dict):
        return b"{" + b"".join(b"L" + struct.pack(">q", len(key)) + key.encode() + ubjson(item) for key, item in value.items()) + b"}"
    if isinstance(value, str):
        return b"SL" + struct.pack(">q", len(value)) + value.encode()
    if isinstance(value, int):
        return b"L" + struct.pack(">q", value)
    if isinstance(value, np.ndarray):
        mark = {"float32": b"d", "int32": b"l", "int64": b"L", "uint8": b"U"}[value.dtype.name]
        return b"[$" + mark + b"#L" + struct.pack(">q", value.size) + value.astype(value.dtype.newbyteorder(">")).tobytes()
    return b"[" + b"".join(map(ubjson, value)) + b"]"


def model(features: int, trees: int, depth: int, seed: int, without: set[str] = set()) -> bytes:
    generator = np.random.default_rng(seed)
    forest = []
    for index in range(trees):
        fields = {**tree(generator, features, depth, trees), "id": index}
        forest.append({name: field for name, field in fields.items() if name not in without})
    booster = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(trees)}, "iteration_indptr": list(range(trees + 1)),
        "tree_info": [0] * trees, "trees": forest,
    }
    parameters = {"base_score": "5E-1", "boost_from_average": "1", "num_class": "0", "num_feature": str(features), "num_target": "1"}
    learner = {
        "attributes": {}, "feature_names": [], "feature_types": [], "gradient_booster": {"model": booster, "name": "gbtree"},
        "learner_model_param": parameters, "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}},
    }
    return ubjson({"learner": learner, "version": [3, 2, 0]})


def rows(features: int, count: int, seed: int = 1) -> np.ndarray:
    """Standard normal, one value in fifty missing: [count, features] float32."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((count, features)).astype(np.float32)
    values[generator.random((count, features)) < 0.02] = np.nan
    return values


def booster(file: pathlib.Path) -> Any:
    import xgboost

    return xgboost.Booster(params={"nthread": 1}, model_file=str(file))


def bundle(work: pathlib.Path, name: str, features: int, trees: int, depth: int, seed: int = 1) -> pathlib.Path:
    """Makes it, under `work`; model, rows and bundle of a shape are made once."""
    stem = work / f"forest-{features}-{trees}-{depth}-{seed}"
    file, golden, expected = stem.with_suffix(".ubj"), stem.with_suffix(".rows.npy"), stem.with_suffix(".expected.npy")
    output = work / f"{name}-{features}-{trees}-{depth}-{seed}.assay"
    if not output.exists():
        work.mkdir(parents=True, exist_ok=True)
        if not expected.exists():
            file.write_bytes(model(features, trees, depth, seed))
            np.save(golden, rows(features, GOLDEN_ROW_COUNT))
            np.save(expected, booster(file).inplace_predict(np.load(golden), validate_features=False).astype(np.float32))
        read = stem.with_suffix(".read.ubj")
        read.write_bytes(model(features, trees, depth, seed, UNREAD))
        lab.call(lab.BIN / "assay", "bundle", "import", read, "--name", name, "-o", output, "--golden-rows", golden, "--golden-expected", expected)
        read.unlink()
    return output


def model_file(work: pathlib.Path, features: int, trees: int, depth: int, seed: int = 1) -> pathlib.Path:
    """XGBoost's file of a bundle that was made."""
    return work / f"forest-{features}-{trees}-{depth}-{seed}.ubj"
