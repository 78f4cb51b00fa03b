"""Reads scikit-learn's histogram gradient boosting: float64 throughout, with category splits."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..exporter import ExportError
from ._common import as_results, below, category_provenance, type_name, unsupported
from ._model import (
    APPROVE_ALL,
    EXPONENTIAL,
    FROM_ZERO,
    IDENTITY,
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
from ._sklearn_common import EXPONENTIAL_TOLERANCE, class_columns, provenance

_LINKS = {"IdentityLink": IDENTITY, "LogLink": EXPONENTIAL, "LogitLink": LOGISTIC, "MultinomialLogit": SOFTMAX}


def _read(model: Any) -> Model:
    kind = _LINKS.get(type_name(model._loss.link))
    if kind is None:
        raise unsupported(model, f"loss {model.loss!r}")
    base = model._baseline_prediction
    if base.dtype != np.float64:
        raise unsupported(model, f"sums of {base.dtype}")
    columns, categories = _columns(model)
    trees: List[Tree] = []
    for iteration in model._predictors:
        for output, predictor in enumerate(iteration):
            trees.append(_tree(predictor, output, columns, categories))
    ensemble = Ensemble(
        feature_count=int(model.n_features_in_),
        base_margins=[float(margin) for margin in base.ravel()],
        transform=Transform(kind),
        trees=trees,
        feature_type=np.float64,
        sum_type=np.float64,
        category_rule=FROM_ZERO,
    )
    is_classifier = hasattr(model, "classes_")

    def predict(rows: Any, numbers: Array) -> Golden:
        if is_classifier:
            outputs = as_results(model.predict_proba(rows), len(rows))[:, class_columns(model)]
            return Golden(as_results(model.decision_function(rows), len(rows)), outputs)
        outputs = as_results(model.predict(rows), len(rows))
        return Golden(outputs if kind == IDENTITY else None, outputs)

    arrays = [base]
    for iteration in model._predictors:
        for predictor in iteration:
            arrays += [predictor.nodes[field] for field in predictor.nodes.dtype.names] + [predictor.raw_left_cat_bitsets]
    tolerance = 0.0 if kind == IDENTITY else EXPONENTIAL_TOLERANCE
    return Model(
        ensemble=ensemble,
        objective=f"{type_name(model)} {model.loss}" if isinstance(model.loss, str) else type_name(model),
        policy=PROBABILITY if kind == LOGISTIC else APPROVE_ALL,
        provenance=provenance(model, arrays) + category_provenance(sorted(categories.items())),
        predict=predict,
        categories=categories,
        categorical=frozenset(categories),
        tolerance=lambda numbers: (0.0, tolerance),
    )


def _columns(model: Any) -> Tuple[List[int], Dict[int, Sequence[Any]]]:
    """The feature that each column inside the model is (categorical ones come first there), and what its codes stand for."""
    is_categorical = getattr(model, "is_categorical_", None)
    count = int(model.n_features_in_)
    if is_categorical is None:
        return list(range(count)), {}
    tested = np.flatnonzero(is_categorical).tolist()
    encoder = getattr(model, "_preprocessor", None)
    if encoder is None:
        raise unsupported(model, "categorical features of this version of scikit-learn")
    categories: Dict[int, Sequence[Any]] = {}
    for feature, known in zip(tested, encoder.named_transformers_["encoder"].categories_):
        listed = [value for value in known.tolist() if value is not None and value == value]
        if all(isinstance(value, (int, float)) for value in listed) and listed != list(range(len(listed))):
            # A code would be another number than the caller's own.
            raise unsupported(model, f"feature {feature}, whose categories are numbers other than 0, 1, 2 …; encode them so")
        categories[feature] = listed
    others = [feature for feature in range(count) if feature not in categories]
    return tested + others, categories


def _tree(predictor: Any, output: int, columns: Sequence[int], categories: Dict[int, Sequence[Any]]) -> Tree:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"] != 0
    is_category = (nodes["is_categorical"] != 0) & ~is_leaf
    is_number = ~is_category & ~is_leaf
    missing_left = nodes["missing_go_to_left"] != 0
    tree = Tree(
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        feature=np.where(is_leaf, 0, np.array(columns)[np.where(is_leaf, 0, nodes["feature_idx"])]),
        threshold=np.where(is_number, below(nodes["num_threshold"], np.float64), 0.0),
        missing_left=missing_left.copy(),
        values=nodes["value"].astype(np.float64).reshape(-1, 1),
        output=output,
        covers=nodes["count"].astype(np.float64),
    )
    for node in np.flatnonzero(np.isinf(tree.threshold)).tolist():
        # A split between values and missing ones.
        if missing_left[node]:
            raise ExportError("a tree has a split that sends everything left")
        tree.test_nothing_but_missing(node)
    for node in np.flatnonzero(is_category).tolist():
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        _add_set(tree, node, bits, len(categories[int(tree.feature[node])]))
    return tree


def _add_set(tree: Tree, node: int, bits: Array, known_count: int) -> None:
    """Members go left, other known categories right, unknown and missing ones where missing ones go.

    Here members go right, and all else left: the set is that of the side where unknown ones do not go.
    """
    goes_left = [category for category in range(known_count) if int(bits[category // 32]) >> category % 32 & 1]
    if tree.missing_left[node]:
        tree.categories[node] = tuple(category for category in range(known_count) if category not in set(goes_left))
        return
    tree.categories[node] = tuple(goes_left)
    tree.left[node], tree.right[node] = tree.right[node], tree.left[node]
    tree.missing_left[node] = True


READERS: Dict[str, Callable[[Any], Model]] = {
    "HistGradientBoostingClassifier": _read,
    "HistGradientBoostingRegressor": _read,
}
