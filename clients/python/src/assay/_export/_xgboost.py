"""Reads XGBoost's models: gbtree, DART, random forests and gblinear, float32 throughout."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from ..exporter import ExportError
from ._common import as_results, category_provenance, module, type_name, unsupported
from ._model import (
    APPROVE_ALL,
    ARGMAX,
    EXPONENTIAL,
    FROM_ZERO,
    IDENTITY,
    LOG_ODDS,
    LOGISTIC,
    PROBABILITY,
    SOFTMAX,
    STEP,
    Array,
    Ensemble,
    Golden,
    Model,
    Policy,
    Transform,
    Tree,
)
from ._rows import Rows
from ._score import SHARES_C_LIBRARY, logf
from ._ubjson import parse

# From a base score, given in the scale of predictions, to the margin that sums start at; the transform; the default policy.
_OBJECTIVES: Dict[str, Tuple[str, int, Policy]] = {
    **dict.fromkeys(("binary:logistic", "reg:logistic"), ("logit", LOGISTIC, PROBABILITY)),
    "binary:logitraw": ("identity", IDENTITY, LOG_ODDS),
    "binary:hinge": ("identity", STEP, PROBABILITY),
    **dict.fromkeys(
        ("reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:absoluteerror", "reg:quantileerror", "reg:pseudohubererror"),
        ("identity", IDENTITY, APPROVE_ALL),
    ),
    **dict.fromkeys(
        ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"), ("log", EXPONENTIAL, APPROVE_ALL)
    ),
    **dict.fromkeys(("rank:pairwise", "rank:ndcg", "rank:map"), ("identity", IDENTITY, APPROVE_ALL)),
    "multi:softprob": ("identity", SOFTMAX, APPROVE_ALL),
    "multi:softmax": ("identity", ARGMAX, APPROVE_ALL),
}


def read(model: Any, rows: Rows) -> Model:
    booster = model
    end = 0
    if hasattr(model, "get_booster"):
        booster = model.get_booster()
        missing = getattr(model, "missing", None)
        if missing is not None and not math.isnan(missing):
            raise unsupported(model, f"missing={missing!r}; train with NaN for missing values")
    if not hasattr(booster, "save_raw"):
        raise ExportError(f"{type_name(model)} is no model of XGBoost's that is supported")
    data = bytes(booster.save_raw(raw_format="ubj"))
    root = parse(data)
    learner = root["learner"]
    gradient_booster = learner["gradient_booster"]
    name = gradient_booster["name"]
    objective = learner["objective"]["name"]
    if objective not in _OBJECTIVES:
        raise ExportError(f"XGBoost's objective {objective} is not supported")
    link, transform, policy = _OBJECTIVES[objective]
    parameters = learner["learner_model_param"]
    raw_count = max(1, int(parameters["num_class"]), int(parameters.get("num_target", "1")))
    if objective == "reg:quantileerror" and raw_count > 1 and tuple(root["version"]) >= (3, 3, 0):
        raise ExportError("several quantiles of XGBoost 3.3 and later are put in order, which is not supported")
    if name != "gblinear" and booster is not model:
        # Early stopping: as the estimator's own predict does; a Booster uses all of its trees.
        best = booster.attr("best_iteration")
        end = 0 if best is None else int(best) + 1

    ensemble = Ensemble(
        feature_count=int(parameters["num_feature"]),
        base_margins=[_margin(score, link) for score in _base_scores(parameters["base_score"], raw_count)],
        transform=Transform(transform),
        category_rule=FROM_ZERO,
    )
    container = gradient_booster["gbtree"] if name == "dart" else gradient_booster
    if name == "gblinear":
        _add_weights(ensemble, container["model"]["weights"])
    elif name == "dart" and "weight_drop" not in gradient_booster:
        raise ExportError("XGBoost keeps DART's weights in another place than up to 3.2, which is not supported")
    elif name in ("gbtree", "dart"):
        _add_trees(ensemble, container["model"], gradient_booster.get("weight_drop"), end)
    else:
        raise ExportError(f"XGBoost's booster {name} is not supported")
    types = learner.get("feature_types") or []
    categories = _categories(container["model"].get("cats"), rows)
    return Model(
        ensemble=ensemble,
        objective=objective,
        policy=policy,
        provenance=[
            ("source.format", "XGBoost, exported from Python"),
            ("source.version", f"xgboost {module('xgboost').__version__}"),
            ("source.model", type_name(model)),
            ("source.booster", name),
            ("source.sha256", hashlib.sha256(data).hexdigest()),
            *([("source.best_iteration", str(end - 1))] if end else []),
            *category_provenance(sorted(categories.items())),
        ],
        predict=lambda rows, numbers: _predict(booster, rows, end),
        feature_names=[str(text) for text in learner.get("feature_names") or []] or None,
        categories=categories,
        categorical=frozenset(index for index, kind in enumerate(types) if kind == "c"),
        encodes_categories=True,
        tolerance=lambda numbers: (0.0, _output_tolerance(objective)),
    )


def _output_tolerance(objective: str) -> float:
    # Builds with CUDA take the float32 exponential here, builds without the float64 one: they differ in the last bit, rarely.
    last_bit = 2.0**-23 if objective == "survival:aft" else 0.0
    return last_bit if SHARES_C_LIBRARY else 3e-7


def _predict(booster: Any, rows: Any, end: int) -> Golden:
    matrix = module("xgboost").DMatrix(rows, enable_categorical=True)
    # Names were compared before.
    options = {"iteration_range": (0, end), "strict_shape": True, "validate_features": False}
    raw = as_results(booster.predict(matrix, output_margin=True, **options), len(rows))
    return Golden(raw, as_results(booster.predict(matrix, **options), len(rows)))


def _base_scores(text: Any, raw_count: int) -> List[float]:
    """`5E-1` up to XGBoost 3.0, `[5E-1]` or one a raw score since."""
    parsed = json.loads(text) if isinstance(text, str) else text
    scores = [float(np.float32(score)) for score in (parsed if isinstance(parsed, list) else [parsed])]
    if len(scores) == 1:
        return scores * raw_count
    if len(scores) != raw_count:
        raise ExportError(f"XGBoost's model has {len(scores)} base scores for {raw_count} raw scores")
    return scores


def _margin(score: float, link: str) -> float:
    """In float32, as XGBoost computes it."""
    if link == "logit":
        one = np.float32(1)
        clamped = min(max(np.float32(score), np.float32(1e-6)), one - np.float32(1e-6))
        return float(-np.float32(logf(float(one / clamped - one))))
    if link == "log":
        return float(np.float32(logf(score)))
    return score


def _add_weights(ensemble: Ensemble, weights: Any) -> None:
    """`[features + 1, raw scores]`, the biases last, which XGBoost adds to the base margins first."""
    table = np.asarray(weights, np.float32).reshape(ensemble.feature_count + 1, ensemble.raw_count)
    margins = np.array(ensemble.base_margins, np.float32) + table[-1]
    ensemble.base_margins = [float(margin) for margin in margins]
    ensemble.weights = table[:-1].T.astype(np.float64)


def _add_trees(ensemble: Ensemble, model: Dict[str, Any], weights: Any, end: int) -> None:
    outputs = [int(output) for output in model["tree_info"]]
    count = len(model["trees"])
    if end:
        count = int(model["iteration_indptr"][end]) if "iteration_indptr" in model else _trees_per_iteration(ensemble, model) * end
    for index, source in enumerate(model["trees"][:count]):
        tree = _tree(source, ensemble.raw_count, index)
        if tree.values.shape[1] > 1:
            ensemble.leaf_width = ensemble.raw_count
        else:
            tree.output = outputs[index]
        if weights is not None:
            tree.values = (tree.values.astype(np.float32) * np.float32(weights[index])).astype(np.float64)
        ensemble.trees.append(tree)


def _trees_per_iteration(ensemble: Ensemble, model: Dict[str, Any]) -> int:
    return ensemble.raw_count * int(model["gbtree_model_param"]["num_parallel_tree"])


def _tree(source: Dict[str, Any], raw_count: int, index: int) -> Tree:
    left, right = (np.asarray(source[key], np.int64) for key in ("left_children", "right_children"))
    conditions = np.asarray(source["split_conditions"], np.float32).astype(np.float64)
    leaf_size = max(1, int(source["tree_param"].get("size_leaf_vector", "1")))
    is_leaf = left < 0
    values = np.zeros((len(left), leaf_size))
    if leaf_size == 1:
        values[is_leaf, 0] = conditions[is_leaf]
    elif leaf_size != raw_count:
        raise ExportError(f"XGBoost's tree {index} has leaves of {leaf_size} values for {raw_count} raw scores")
    elif "leaf_weights" in source:
        # From 3.2 on a leaf's right child is its place in a list of its own.
        values[is_leaf] = np.asarray(source["leaf_weights"], np.float32).reshape(-1, leaf_size)[right[is_leaf]]
    else:
        values[is_leaf] = np.asarray(source["base_weights"], np.float32).reshape(-1, leaf_size)[is_leaf]
    covers: Optional[Array] = np.asarray(source["sum_hessian"], np.float64) if "sum_hessian" in source else None
    if covers is not None and not (len(covers) == len(left) and bool((np.isfinite(covers) & (covers >= 0)).all())):
        # A custom objective's hessians may be negative.
        covers = None
    return Tree(
        left=left,
        right=np.where(is_leaf, -1, right),
        feature=np.asarray(source["split_indices"], np.int64),
        threshold=np.where(is_leaf, 0.0, conditions),
        missing_left=np.asarray(source["default_left"], np.int64) != 0,
        values=values,
        covers=covers,
        categories=_category_sets(source),
    )


def _category_sets(source: Dict[str, Any]) -> Dict[int, Tuple[int, ...]]:
    """The members, which go right, of each category split's set."""
    is_split = np.asarray(source.get("split_type", []), np.int64) == 1
    members = np.asarray(source.get("categories", []), np.int64).tolist()
    sets: Dict[int, Tuple[int, ...]] = {}
    starts = zip(*(source.get(f"categories_{key}", []) for key in ("nodes", "segments", "sizes")))
    for node, start, size in starts:
        if is_split[int(node)]:
            sets[int(node)] = tuple(sorted(members[int(start) : int(start) + int(size)]))
    if len(sets) != int(is_split.sum()):
        raise ExportError("XGBoost's model has a category split without its categories")
    return sets


def _categories(container: Any, rows: Rows) -> Dict[int, List[Any]]:
    """What the codes of a DataFrame's categories stand for, by feature; XGBoost keeps it from 3.1 on."""
    encodings = (container or {}).get("enc") or []
    categories: Dict[int, List[Any]] = {}
    for index, encoding in enumerate(encodings):
        values = np.asarray(encoding["values"])
        if len(values) == 0:
            continue
        listed = _texts(encoding["offsets"], values, index, rows) if "offsets" in encoding else values.tolist()
        if listed:
            categories[index] = listed
    return categories


def _texts(offsets: Any, values: Array, index: int, rows: Rows) -> List[str]:
    """The texts that lie one after another in `values`; none if they are not known and X has codes.

    XGBoost 3.2 counts letters where it should count bytes, so that a list with other letters than ASCII's is cut in wrong places
    and at its end. It then knows categories by what it has cut, which the same list of X's gives, too.
    """
    data = values.astype(np.uint8).tobytes()
    ends = [int(end) for end in offsets]
    texts = [data[start:end].decode(errors="replace") for start, end in zip(ends, ends[1:])]
    if data.isascii():
        return texts
    if index not in rows.categorical_columns:
        return []
    own = rows.categories(index)
    lengths = [len(str(text)) for text in own]
    as_cut = "".join(map(str, own)).encode()[: sum(lengths)]
    if own == texts or (as_cut == data and ends == [sum(lengths[:count]) for count in range(len(own) + 1)]):
        return own
    raise ExportError(f"the categories of column {index} of X are not those of the training data, in their order")
