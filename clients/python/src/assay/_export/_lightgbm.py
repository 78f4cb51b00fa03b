"""Reads LightGBM's models through their text, float64 throughout."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np

from ..exporter import ExportError
from ._common import as_results, below, category_provenance, module, type_name, unsupported
from ._model import (
    APPROVE_ALL,
    EXPONENTIAL,
    IDENTITY,
    LOGISTIC,
    PROBABILITY,
    SIGNED_SQUARE,
    SOFTMAX,
    SOFTPLUS,
    TOWARD_ZERO,
    Array,
    Ensemble,
    Golden,
    Model,
    Policy,
    Transform,
    Tree,
)
from ._rows import Rows
from ._score import SHARES_C_LIBRARY

_IS_CATEGORICAL, _DEFAULTS_LEFT = 1, 2
# What is missing at a split: bits 2 and 3 of its decision type.
_NOTHING, _ZERO, _NAN = range(3)


def read(model: Any, rows: Rows) -> Model:
    booster = model
    if hasattr(model, "booster_"):
        booster = model.booster_
        if model.get_params().get("pred_early_stop"):
            raise unsupported(model, "pred_early_stop makes predictions depend on what it skips")
    if not hasattr(booster, "model_to_string"):
        raise ExportError(f"{type_name(model)} is no model of LightGBM's that is supported")
    # The trees that predict uses by default: up to the best iteration, if there was early stopping.
    text = booster.model_to_string()
    head, trees = _parse(text)
    raw_count = int(head["num_class"])
    if int(head.get("num_tree_per_iteration", raw_count)) != raw_count:
        raise ExportError("LightGBM's model has another number of trees an iteration than classes")
    objective, transform, policy = _objective(head.get("objective", "custom"))
    splits = _Splits()
    ensemble = Ensemble(
        feature_count=int(head["max_feature_idx"]) + 1,
        base_margins=[0.0] * raw_count,
        transform=transform,
        trees=[_tree(fields, index % raw_count, index, splits) for index, fields in enumerate(trees)],
        feature_type=np.float64,
        sum_type=np.float64,
        flushes_tiny=True,
        category_rule=TOWARD_ZERO,
        zero_is_missing=frozenset(splits.zero_missing),
    )
    mixed = splits.zero_missing & splits.zero_present
    if mixed:
        raise ExportError(f"LightGBM splits feature {min(mixed)} with zero as missing and without, which is not supported")
    if "average_output" in head:
        iterations = len(trees) // raw_count
        ensemble.transform = Transform(transform.kind, float(iterations), transform.scale)
    infos = head.get("feature_infos", "").split(" ")
    listed = {index for index, info in enumerate(infos) if ":" in info and not info.startswith("[")}
    categories = _categories(booster, rows)
    return Model(
        ensemble=ensemble,
        objective=objective,
        policy=policy,
        provenance=[
            ("source.format", "LightGBM, exported from Python"),
            ("source.version", f"lightgbm {module('lightgbm').__version__}"),
            ("source.model", type_name(model)),
            ("source.sha256", hashlib.sha256(text.encode()).hexdigest()),
            ("source.iterations", str(len(trees) // raw_count)),
            *category_provenance(sorted(categories.items())),
        ],
        predict=lambda rows, numbers: _predict(booster, rows),
        feature_names=head["feature_names"].split(" "),
        categories=categories,
        categorical=frozenset(listed | splits.categorical),
        encodes_categories=True,
        tolerance=lambda numbers: (0.0, 0.0 if SHARES_C_LIBRARY else 1e-14),
    )


def _predict(booster: Any, rows: Any) -> Golden:
    raw = as_results(booster.predict(rows, raw_score=True), len(rows))
    return Golden(raw, as_results(booster.predict(rows), len(rows)))


def _parse(text: str) -> Tuple[Dict[str, str], List[Dict[str, str]]]:
    """The `key=value` lines before the trees, and of each tree."""
    head: Dict[str, str] = {}
    trees: List[Dict[str, str]] = []
    fields = head
    for line in text.split("\n"):
        if line == "end of trees":
            return head, trees
        key, _, value = line.partition("=")
        if key == "Tree":
            fields = {}
            trees.append(fields)
        elif line:
            fields[key] = value
    raise ExportError("LightGBM's model ends before its trees do")


def _objective(text: str) -> Tuple[str, Transform, Policy]:
    name, *words = text.split(" ")
    parameters = dict(word.partition(":")[::2] for word in words)
    root = SIGNED_SQUARE if "sqrt" in parameters else IDENTITY
    if name in ("regression", "regression_l1", "quantile", "mape"):
        return name, Transform(root), APPROVE_ALL
    if name in ("huber", "fair", "lambdarank", "rank_xendcg", "custom"):
        return name, Transform(), APPROVE_ALL
    if name in ("poisson", "gamma", "tweedie"):
        return name, Transform(EXPONENTIAL), APPROVE_ALL
    if name in ("binary", "multiclassova"):
        transform = Transform(LOGISTIC, scale=_parameter(parameters.get("sigmoid", "")))
        return name, transform, PROBABILITY if name == "binary" else APPROVE_ALL
    if name == "multiclass":
        return name, Transform(SOFTMAX), APPROVE_ALL
    if name in ("cross_entropy", "xentropy"):
        return name, Transform(LOGISTIC), PROBABILITY
    if name in ("cross_entropy_lambda", "xentlambda"):
        return name, Transform(SOFTPLUS), APPROVE_ALL
    raise ExportError(f"LightGBM's objective {name} is not supported")


def _parameter(text: str) -> float:
    """The number that LightGBM itself makes of an objective's parameter: whole part and fraction are rounded and added up."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not (whole + fraction).isdigit() or len(text) > 20:
        raise ExportError(f"LightGBM's sigmoid {text!r} is not supported")
    value = float(int(whole or "0")) + (float(int(fraction)) / 10.0 ** len(fraction) if fraction else 0.0)
    if exponent:
        power = 10.0 ** abs(int(exponent))
        value = value / power if exponent.startswith("-") else value * power
    return value


class _Splits:
    """How features are tested, over all trees."""

    def __init__(self) -> None:
        self.zero_missing: Set[int] = set()
        self.zero_present: Set[int] = set()
        self.categorical: Set[int] = set()


def _tree(fields: Dict[str, str], output: int, index: int, splits: _Splits) -> Tree:
    """Inner nodes come first, in their order, then the leaves in theirs."""
    if fields.get("is_linear", "0") != "0" or "leaf_coeff" in fields:
        raise ExportError(f"LightGBM's tree {index} has linear models in its leaves (linear_tree), which are not supported")
    leaf_count = int(fields["num_leaves"])
    values = _floats(fields["leaf_value"])
    inner = leaf_count - 1
    count = inner + leaf_count
    tree = Tree(
        left=np.full(count, -1, np.int64),
        right=np.full(count, -1, np.int64),
        feature=np.zeros(count, np.int64),
        threshold=np.zeros(count),
        missing_left=np.zeros(count, np.bool_),
        values=np.concatenate([np.zeros(inner), values]).reshape(-1, 1),
        output=output,
        numbers=np.concatenate([np.arange(inner), np.arange(leaf_count)]),
        covers=_covers(fields, leaf_count),
    )
    if inner == 0:
        return tree
    left, right = _integers(fields["left_child"]), _integers(fields["right_child"])
    # Leaf k is ~k there.
    tree.left[:inner] = np.where(left >= 0, left, inner + ~left)
    tree.right[:inner] = np.where(right >= 0, right, inner + ~right)
    tree.feature[:inner] = _integers(fields["split_feature"])
    thresholds = _floats(fields["threshold"])
    decisions = _integers(fields["decision_type"])
    if decisions.max() > 15 or (decisions >> 2).max() > _NAN:
        raise ExportError(f"LightGBM's tree {index} has an unknown decision_type")
    is_category = decisions & _IS_CATEGORICAL != 0
    tree.threshold[:inner] = np.where(is_category, 0.0, below(thresholds, np.float64))
    missing = decisions >> 2
    # Where nothing is missing, NaN is 0.
    tree.missing_left[:inner] = np.where(missing == _NOTHING, thresholds >= 0, decisions & _DEFAULTS_LEFT != 0)
    tested = tree.feature[:inner]
    splits.zero_missing |= set(tested[~is_category & (missing == _ZERO)].tolist())
    splits.zero_present |= set(tested[is_category | (missing != _ZERO)].tolist())
    splits.categorical |= set(tested[is_category].tolist())
    for node in np.flatnonzero(np.isinf(tree.threshold[:inner])).tolist():
        if tree.missing_left[node]:
            raise ExportError(f"LightGBM's tree {index} has a split that sends everything left")
        tree.test_nothing_but_missing(node)
    if is_category.any():
        _add_sets(tree, fields, np.flatnonzero(is_category).tolist(), thresholds)
    return tree


def _add_sets(tree: Tree, fields: Dict[str, str], nodes: List[int], thresholds: Array) -> None:
    """LightGBM sends members left and all else, missing values too, right: the children are swapped."""
    words, boundaries = _integers(fields["cat_threshold"]), _integers(fields["cat_boundaries"])
    for node in nodes:
        number = int(thresholds[node])
        own = words[boundaries[number] : boundaries[number + 1]]
        members = [32 * place + bit for place, word in enumerate(own.tolist()) for bit in range(32) if word >> bit & 1]
        tree.categories[node] = tuple(members)
        tree.missing_left[node] = True
        tree.left[node], tree.right[node] = tree.right[node], tree.left[node]


def _covers(fields: Dict[str, str], leaf_count: int) -> Optional[Array]:
    """How many rows reached each node."""
    leaves = _floats(fields.get("leaf_count", ""))
    if leaf_count == 1:
        # The file does not say; it does not matter.
        return leaves if len(leaves) == 1 else np.ones(1)
    inner = _floats(fields.get("internal_count", ""))
    if len(leaves) != leaf_count or len(inner) != leaf_count - 1:
        return None
    return np.concatenate([inner, leaves])


def _floats(text: str) -> Array:
    return np.array([float(word) for word in text.split()], np.float64)


def _integers(text: str) -> Array:
    return np.array([int(word) for word in text.split()], np.int64)


def _categories(booster: Any, rows: Rows) -> Dict[int, List[Any]]:
    """What the codes of a DataFrame's categories stand for, by feature: LightGBM keeps them in the order of such columns."""
    listed = getattr(booster, "pandas_categorical", None) or []
    columns = rows.categorical_columns
    if not listed or not rows.is_frame:
        return {}
    if len(columns) != len(listed):
        raise ExportError(f"X has {len(columns)} categorical columns, the model was trained with {len(listed)}")
    return dict(zip(columns, listed))
