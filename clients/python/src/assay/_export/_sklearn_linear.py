"""Reads scikit-learn's linear models: float64; the order of their sums is BLAS's own."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy as np

from ._common import as_results, round_up, type_name, unsupported
from ._model import APPROVE_ALL, EXPONENTIAL, IDENTITY, LOGISTIC, PROBABILITY, SOFTMAX, Array, Ensemble, Golden, Model, Transform
from ._sklearn_common import EXPONENTIAL_TOLERANCE, accepts_missing, class_columns, provenance

_LINKS = {"IdentityLink": IDENTITY, "LogLink": EXPONENTIAL}


def _read_regressor(model: Any) -> Model:
    return _model(model, Transform(), lambda rows: model.predict(rows))


def _read_generalized(model: Any) -> Model:
    kind = _LINKS.get(type_name(model._base_loss.link))
    if kind is None:
        raise unsupported(model, f"link {type_name(model._base_loss.link)}")
    return _model(model, Transform(kind), lambda rows: model.predict(rows))


def _read_classifier(model: Any) -> Model:
    if type_name(model) == "SGDClassifier" and model.loss != "log_loss":
        raise unsupported(model, f"loss {model.loss!r}, which gives no probabilities of a supported kind")
    is_binary = len(model.classes_) == 2
    # Up to 1.7; classes against the rest are made to add up to one, which no transform does.
    one_against_rest = getattr(model, "multi_class", "auto") == "ovr" or getattr(model, "solver", "") == "liblinear"
    if not is_binary and (one_against_rest or type_name(model) == "SGDClassifier"):
        raise unsupported(model, "several classes, each against the rest")
    # Two classes with a softmax over -x and x.
    scale = 2.0 if getattr(model, "multi_class", "auto") == "multinomial" else 1.0
    transform = Transform(LOGISTIC, scale=scale) if is_binary else Transform(SOFTMAX)
    result = _model(model, transform, lambda rows: model.predict_proba(rows)[:, class_columns(model)])
    result.policy = PROBABILITY if is_binary else APPROVE_ALL
    return result


def _model(model: Any, transform: Transform, outputs: Callable[[Any], Any]) -> Model:
    feature_count = int(model.n_features_in_)
    weights = np.asarray(model.coef_, np.float64).reshape(-1, feature_count)
    margins = np.broadcast_to(np.asarray(model.intercept_, np.float64).ravel(), (len(weights),))
    ensemble = Ensemble(
        feature_count=feature_count,
        base_margins=[float(margin) for margin in margins],
        transform=transform,
        feature_type=np.float64,
        sum_type=np.float64,
        weights=weights,
    )

    def predict(rows: Any, numbers: Array) -> Golden:
        raw = None
        if hasattr(model, "decision_function"):
            raw = as_results(model.decision_function(rows), len(rows))
        elif transform.kind == IDENTITY:
            raw = as_results(outputs(rows), len(rows))
        return Golden(raw, as_results(outputs(rows), len(rows)))

    def tolerance(numbers: Array) -> Tuple[float, float]:
        """What the order of a sum can change: machine epsilon a term, of the sum of magnitudes."""
        magnitudes = np.abs(numbers) @ np.abs(weights).T + np.abs(margins)
        bound = 2.0**-52 * (feature_count + 1) * magnitudes
        relative = bound / np.maximum(1.0, np.abs(numbers @ weights.T + margins))
        raw = round_up(float(relative.max(initial=0.0)))
        # A probability moves less than its raw score, an exponential by as much relatively.
        return raw, raw if transform.kind == IDENTITY else round_up(float(bound.max(initial=0.0)) + EXPONENTIAL_TOLERANCE)

    return Model(
        ensemble=ensemble,
        objective=f"{type_name(model)} {model.loss}" if type_name(model).startswith("SGD") else type_name(model),
        policy=APPROVE_ALL,
        provenance=provenance(model, [weights, np.array(margins)]),
        predict=predict,
        accepts_missing=accepts_missing(model.predict, feature_count),
        # float32 rows would be multiplied in float32.
        row_type=np.float64,
        tolerance=tolerance,
    )


_REGRESSORS = """
ARDRegression BayesianRidge ElasticNet ElasticNetCV HuberRegressor Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC
LinearRegression LinearSVR MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV OrthogonalMatchingPursuit
OrthogonalMatchingPursuitCV PassiveAggressiveRegressor QuantileRegressor Ridge RidgeCV SGDRegressor TheilSenRegressor
""".split()

READERS: Dict[str, Callable[[Any], Model]] = {
    **dict.fromkeys(_REGRESSORS, _read_regressor),
    **dict.fromkeys(("GammaRegressor", "PoissonRegressor", "TweedieRegressor"), _read_generalized),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV", "SGDClassifier"), _read_classifier),
}
