"""Reads scikit-learn's trees: they compare float32 values with float64 thresholds and sum in float64."""

from __future__ import annotations

import copy
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from ..exporter import ExportError
from ._common import as_results, below, module, type_name, unsupported
from ._model import (
    APPROVE_ALL,
    IDENTITY,
    ISOLATION,
    LOGISTIC,
    PROBABILITY,
    SOFTMAX,
    Array,
    Ensemble,
    Golden,
    Model,
    Transform,
    Tree,
)
from ._sklearn_common import EXPONENTIAL_TOLERANCE, POWER_TOLERANCE, accepts_missing, class_columns, provenance


def tree_arrays(tree: Any) -> List[Any]:
    """What was fitted, as arrays without padding between their fields."""
    nodes = tree.__getstate__()["nodes"]
    return [nodes[field] for field in nodes.dtype.names] + [tree.value]


def convert(tree: Any, values: Array, features: Optional[Array] = None) -> Tree:
    """
    :param tree: scikit-learn's `tree_`: left exactly if `x <= threshold`.
    :param values: `[nodes, leaf width]`
    :param features: the model's features that the tree sees, all by default.
    """
    is_leaf = tree.children_left < 0
    tested = np.where(is_leaf, 0, tree.feature)
    thresholds = below(tree.threshold, np.float32)
    result = Tree(
        left=np.asarray(tree.children_left, np.int64),
        right=np.asarray(tree.children_right, np.int64),
        feature=np.asarray(tested if features is None else np.asarray(features)[tested], np.int64),
        threshold=np.where(is_leaf, 0.0, thresholds),
        missing_left=tree.__getstate__()["nodes"]["missing_go_to_left"] != 0,
        values=np.asarray(values, np.float64).reshape(len(is_leaf), -1),
        covers=np.asarray(tree.weighted_n_node_samples, np.float64),
    )
    for node in np.flatnonzero(np.isinf(result.threshold)).tolist():
        if result.missing_left[node]:
            raise ExportError("a tree has a split that sends everything left")
        result.test_nothing_but_missing(node)
    return result


def _ensemble(model: Any, margins: Sequence[float], transform: Transform, trees: List[Tree]) -> Ensemble:
    return Ensemble(
        feature_count=int(model.n_features_in_),
        base_margins=[float(margin) for margin in margins],
        transform=transform,
        trees=trees,
        leaf_width=trees[0].values.shape[1] if trees else 1,
        feature_type=np.float32,
        sum_type=np.float64,
    )


# -- Single trees and averages of trees


def _leaf_values(model: Any, tree: Any) -> Array:
    """`[nodes, outputs]`: probabilities, or a value for each target."""
    if hasattr(model, "classes_"):
        return np.asarray(tree.value[:, 0, class_columns(model)])
    return np.asarray(tree.value[:, :, 0])


def _read_tree(model: Any) -> Model:
    values = _leaf_values(model, model.tree_)
    # A single leaf is the result: -0 is the margin that changes not even a leaf of -0.
    ensemble = _ensemble(model, [-0.0] * values.shape[1], Transform(), [convert(model.tree_, values)])

    def predict(rows: Any, numbers: Array) -> Golden:
        outputs = _outputs(model, rows)
        return Golden(outputs, outputs)

    return _tree_model(model, ensemble, predict, tree_arrays(model.tree_))


def _read_forest(model: Any) -> Model:
    trees = [convert(member.tree_, _leaf_values(model, member.tree_)) for member in model.estimators_]
    width = trees[0].values.shape[1]
    ensemble = _ensemble(model, [0.0] * width, Transform(divisor=float(len(trees))), trees)
    # Threads add trees in the order in which they finish; one thread in that of the trees.
    single = copy.copy(model)
    single.n_jobs = 1

    def predict(rows: Any, numbers: Array) -> Golden:
        raw = np.zeros((len(numbers), width))
        for member in model.estimators_:
            raw += _outputs(member, numbers.astype(np.float32), columns=_columns(model))
        return Golden(raw, _outputs(single, rows))

    return _tree_model(model, ensemble, predict, [array for member in model.estimators_ for array in tree_arrays(member.tree_)])


def _columns(model: Any) -> slice:
    return class_columns(model) if hasattr(model, "classes_") else slice(None)


def _outputs(model: Any, rows: Any, columns: Optional[slice] = None) -> Array:
    """`predict_proba` of a classifier, `predict` of a regressor."""
    if not hasattr(model, "classes_"):
        return as_results(model.predict(rows), len(rows))
    return as_results(model.predict_proba(rows), len(rows))[:, columns or class_columns(model)]


def _tree_model(model: Any, ensemble: Ensemble, predict: Callable[[Any, Array], Golden], arrays: Sequence[Any]) -> Model:
    is_binary = hasattr(model, "classes_") and len(model.classes_) == 2
    return Model(
        ensemble=ensemble,
        objective=type_name(model),
        policy=PROBABILITY if is_binary else APPROVE_ALL,
        provenance=provenance(model, arrays),
        predict=predict,
        accepts_missing=accepts_missing(model.predict, ensemble.feature_count),
    )


# -- Boosting


def _read_boosting(model: Any) -> Model:
    stages = model.estimators_
    raw_count = stages.shape[1]
    trees = []
    for stage in stages:
        for output, member in enumerate(stage):
            # A stage adds learning_rate * value: one product, rounded, then the sum.
            tree = convert(member.tree_, model.learning_rate * member.tree_.value[:, 0, 0])
            tree.output = output
            trees.append(tree)
    is_classifier = hasattr(model, "classes_")
    transform = _boosting_transform(model, raw_count) if is_classifier else Transform()
    ensemble = _ensemble(model, _initial(model, raw_count), transform, trees)
    ensemble.leaf_width = 1

    def predict(rows: Any, numbers: Array) -> Golden:
        outputs = _outputs(model, rows)
        return Golden(as_results(model.decision_function(rows), len(rows)) if is_classifier else outputs, outputs)

    result = _tree_model(model, ensemble, predict, [array for member in stages.ravel() for array in tree_arrays(member.tree_)])
    result.objective = f"{type_name(model)} {model.loss}"
    result.tolerance = lambda numbers: (0.0, EXPONENTIAL_TOLERANCE if transform.kind != IDENTITY else 0.0)
    return result


def _boosting_transform(model: Any, raw_count: int) -> Transform:
    if model.loss == "exponential":
        return Transform(LOGISTIC, scale=2.0)
    if model.loss != "log_loss":
        raise unsupported(model, f"loss {model.loss!r}")
    return Transform(LOGISTIC if raw_count == 1 else SOFTMAX)


def _initial(model: Any, raw_count: int) -> List[float]:
    """What sums start at: the constant that scikit-learn's default first estimator is."""
    initial = model.init_
    if isinstance(initial, str):
        return [0.0] * raw_count
    is_dummy = type_name(initial) in ("DummyClassifier", "DummyRegressor")
    if not is_dummy or initial.strategy in ("stratified", "uniform"):
        raise unsupported(model, f"init={type_name(initial)}, which is no constant")
    return [float(margin) for margin in model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))[0]]


# -- Isolation Forest


def _read_isolation(model: Any) -> Model:
    trees = []
    for index, (member, features) in enumerate(zip(model.estimators_, model.estimators_features_)):
        # As score_samples computes it: (depth in nodes + what is left unbuilt) - 1.
        lengths = model._decision_path_lengths[index] + model._average_path_length_per_tree[index] - 1.0
        trees.append(convert(member.tree_, lengths, features))
    average = module("sklearn.ensemble._iforest")._average_path_length([model._max_samples])
    scale = float((len(trees) * average)[0])
    if scale == 0:
        raise unsupported(model, "trees of one row each")
    ensemble = _ensemble(model, [0.0], Transform(ISOLATION, scale=scale), trees)

    def predict(rows: Any, numbers: Array) -> Golden:
        raw = np.zeros(len(numbers))
        narrow = numbers.astype(np.float32)
        for index, (member, features) in enumerate(zip(model.estimators_, model.estimators_features_)):
            leaves = member.apply(narrow[:, features])
            raw += model._decision_path_lengths[index][leaves] + model._average_path_length_per_tree[index][leaves] - 1.0
        return Golden(as_results(raw, len(rows)), as_results(model.score_samples(rows), len(rows)))

    return Model(
        ensemble=ensemble,
        objective=type_name(model),
        policy=APPROVE_ALL,
        provenance=provenance(model, [array for member in model.estimators_ for array in tree_arrays(member.tree_)]),
        predict=predict,
        accepts_missing=accepts_missing(model.score_samples, ensemble.feature_count),
        tolerance=lambda numbers: (0.0, POWER_TOLERANCE),
    )


READERS: Dict[str, Callable[[Any], Model]] = {
    **dict.fromkeys(("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"), _read_tree),
    **dict.fromkeys(
        ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"), _read_forest
    ),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _read_boosting),
    "IsolationForest": _read_isolation,
}
