"""`assay.export` against the frameworks: every kind of model, thousands of rows, through the command that the server's code is in."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
from typing import Any, Callable, Optional

# Many small models: threads would spend their time waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import assay
import numpy as np
import pytest
from bundle_page import BundlePage
from conftest import assay_command, output_of

xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed (script/bootstrap installs it)")
lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed (script/bootstrap installs it)")
sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed (script/bootstrap installs it)")
pandas = pytest.importorskip("pandas", reason="pandas is not installed (script/bootstrap installs it)")

from sklearn import ensemble, linear_model, tree  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

TRAIN_ROWS, TEST_ROWS, FEATURES = 1500, 3000, 9


@dataclasses.dataclass
class Case:
    """A fitted model, rows it was trained with, rows to compare, and what the framework says of them."""

    model: Any
    train: Any
    test: Any
    outputs: Callable[[Any], Any]
    raw: Optional[Callable[[Any], Any]] = None
    leaves: Optional[Callable[[Any], Any]] = None
    #: The test rows as numbers, where they are not that already.
    numbers: Optional[np.ndarray] = None
    #: What the bundle may state at most.
    raw_tolerance: float = 0.0
    output_tolerance: float = 0.0


def values(rows: int, seed: int, missing: float = 0.1) -> np.ndarray:
    """Ties, zeros, tiny numbers, large ones, and missing ones; representable in float32, so that every reader sees the same."""
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(rows, FEATURES))
    table[:, 1] = generator.integers(-3, 4, rows)
    table[:, 2] = np.round(table[:, 2], 1)
    table[:, 3] = generator.choice([0.0, -0.0, 1e-36, -1e-36, 1e-34, 2.5, -2.5], rows)
    table[:, 4] *= 1e9
    table[generator.random(table.shape) < missing] = np.nan
    return table.astype(np.float32)


def targets(table: np.ndarray) -> np.ndarray:
    filled = np.nan_to_num(table.astype(np.float64))
    return filled[:, 0] + 0.5 * filled[:, 1] + filled[:, 2] * filled[:, 5] + 1e-9 * filled[:, 4] + np.isnan(table[:, 6])


def labels(table: np.ndarray, classes: int = 2) -> np.ndarray:
    target = targets(table)
    return np.digitize(target, np.quantile(target, np.arange(1, classes) / classes))


def counts(table: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).poisson(np.exp(np.clip(targets(table) / 3, -3, 3))).astype(np.float64)


CATEGORIES = ["cash", "crédit", "debit", "gift", "prepaid", "wire"]
CODES = [7, 3, 900, 12, 5]


def frame(rows: int, seed: int) -> Any:
    """Numbers of several types, a category of texts and one of numbers, all with missing values."""
    table = values(rows, seed)
    generator = np.random.default_rng(seed + 1)
    kinds = pandas.Series(generator.choice(CATEGORIES, rows)).where(generator.random(rows) > 0.05)
    codes = pandas.Series(generator.choice(CODES, rows))
    return pandas.DataFrame({
        "amount": table[:, 0].astype(np.float64), "steps": np.nan_to_num(table[:, 1]).astype(np.int64), "kind": pandas.Categorical(kinds, CATEGORIES),
        "ratio": table[:, 2], "known": table[:, 5] > 0, "code": pandas.Categorical(codes, sorted(CODES)), "size": table[:, 4],
    })


def frame_labels(rows: Any, classes: int = 2) -> np.ndarray:
    score = rows["amount"].fillna(0).to_numpy() + rows["kind"].isin(CATEGORIES[1:4]).to_numpy() * 1.5 - rows["code"].isin([900, 5]).to_numpy()
    return np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def frame_numbers(rows: Any, code_of: dict[Any, int]) -> np.ndarray:
    """Categories as the codes that the model was trained with."""
    table = rows.copy()
    table["kind"] = rows["kind"].map({name: index for index, name in enumerate(CATEGORIES)}).astype(np.float64)
    table["code"] = rows["code"].map(code_of).astype(np.float64)
    return table.astype(np.float64).to_numpy()


SORTED_CODES = {code: index for index, code in enumerate(sorted(CODES))}


# -- XGBoost


def xgboost_case(model: Any, train: Any, test: Any, numbers: Optional[np.ndarray] = None, end: int = 0, **more: Any) -> Case:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    matrix = xgboost.DMatrix(test, enable_categorical=True)
    options = {"iteration_range": (0, end), "validate_features": False}
    return Case(
        model, train, test, outputs=lambda rows: booster.predict(matrix, **options),
        raw=lambda rows: booster.predict(matrix, output_margin=True, **options), numbers=numbers,
        **{"leaves": lambda rows: booster.predict(matrix, pred_leaf=True, **options), **more},
    )


def xgboost_objective(objective: str, **parameters: Any) -> Callable[[], Case]:
    def make() -> Case:
        train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
        classes = parameters.get("num_class", 2)
        y = labels(train, classes).astype(float) if objective.startswith(("binary", "multi", "reg:logistic")) else targets(train)
        if objective.startswith(("count", "reg:gamma", "reg:tweedie", "survival")):
            y = counts(train) + 1
        matrix = xgboost.DMatrix(train, y)
        if objective.startswith("survival:aft"):
            matrix = xgboost.DMatrix(train)
            matrix.set_float_info("label_lower_bound", y)
            matrix.set_float_info("label_upper_bound", y + 1)
        if objective.startswith("rank"):
            matrix = xgboost.DMatrix(train, labels(train, 4), qid=np.arange(TRAIN_ROWS) // 10)
        rounds = parameters.pop("rounds", 20)
        model = xgboost.train({"objective": objective, "max_depth": 4, "seed": 1, **parameters}, matrix, rounds)
        more: dict[str, Any] = {"leaves": None} if parameters.get("booster") == "gblinear" else {}
        # Builds with and without CUDA round this one differently.
        more["output_tolerance"] = 2.0**-23 if objective == "survival:aft" else 0.0
        return xgboost_case(model, train, test, **more)

    return make


def xgboost_early_stopping() -> Case:
    train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
    noise = np.random.default_rng(5).integers(0, 2, TRAIN_ROWS)
    y = np.where(np.random.default_rng(6).random(TRAIN_ROWS) < 0.3, noise, labels(train))
    model = xgboost.XGBClassifier(n_estimators=200, max_depth=6, learning_rate=0.5, early_stopping_rounds=5)
    model.fit(train[:1000], y[:1000], eval_set=[(train[1000:], y[1000:])], verbose=False)
    assert 0 < model.best_iteration < 150
    case = xgboost_case(model, train, test, end=model.best_iteration + 1)
    case.outputs = lambda rows: model.predict_proba(rows)[:, 1]
    return case


def xgboost_estimator(kind: str, **parameters: Any) -> Callable[[], Case]:
    def make() -> Case:
        train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
        model = getattr(xgboost, kind)(n_estimators=15, max_depth=5, random_state=3, **parameters)
        if kind == "XGBRanker":
            model.fit(train, labels(train, 4), qid=np.arange(TRAIN_ROWS) // 10)
        else:
            model.fit(train, labels(train, 3) if kind.endswith("Classifier") else targets(train))
        case = xgboost_case(model, train, test)
        case.outputs = model.predict_proba if kind.endswith("Classifier") else model.predict
        return case

    return make


def xgboost_targets(strategy: str) -> Callable[[], Case]:
    def make() -> Case:
        train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
        y = np.column_stack([targets(train), -targets(train), np.nan_to_num(train[:, 0])])
        model = xgboost.XGBRegressor(n_estimators=12, max_depth=4, multi_strategy=strategy, tree_method="hist").fit(train, y)
        return xgboost_case(model, train, test)

    return make


def xgboost_categories(one_hot: int) -> Callable[[], Case]:
    def make() -> Case:
        train, test = frame(TRAIN_ROWS, 1), frame(TEST_ROWS, 2)
        model = xgboost.XGBClassifier(n_estimators=15, max_depth=4, enable_categorical=True, max_cat_to_onehot=one_hot)
        model.fit(train, frame_labels(train))
        return xgboost_case(model, train, test, numbers=frame_numbers(test, SORTED_CODES))

    return make


# -- LightGBM


def lightgbm_case(model: Any, train: Any, test: Any, **more: Any) -> Case:
    return Case(
        model, train, test, outputs=model.predict, raw=lambda rows: model.predict(rows, raw_score=True),
        leaves=lambda rows: model.predict(rows, pred_leaf=True), **more,
    )


def lightgbm_objective(objective: str, **parameters: Any) -> Callable[[], Case]:
    def make() -> Case:
        train, test = values(TRAIN_ROWS, 1).astype(np.float64), values(TEST_ROWS, 2).astype(np.float64)
        # float64 as it comes: LightGBM compares in it.
        train[:, 0] += 1e-12
        test[:, 0] += 1e-12
        y = targets(train)
        if objective in ("binary", "multiclass", "multiclassova", "cross_entropy", "cross_entropy_lambda"):
            y = labels(train, parameters.get("num_class", 2)).astype(float)
        if objective in ("poisson", "gamma", "tweedie"):
            y = counts(train) + 1
        data = lightgbm.Dataset(train, labels(train, 4) if objective in ("lambdarank", "rank_xendcg") else y)
        if objective in ("lambdarank", "rank_xendcg"):
            data.set_group([10] * (TRAIN_ROWS // 10))
        options = {"objective": objective, "num_leaves": 15, "verbose": -1, "seed": 1, "num_threads": 1, **parameters}
        return lightgbm_case(lightgbm.train(options, data, 20), train, test)

    return make


def lightgbm_early_stopping() -> Case:
    train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
    y = np.where(np.random.default_rng(6).random(TRAIN_ROWS) < 0.3, np.random.default_rng(5).integers(0, 2, TRAIN_ROWS), labels(train))
    model = lightgbm.LGBMClassifier(n_estimators=200, learning_rate=0.4, verbose=-1, n_jobs=1)
    model.fit(train[:1000], y[:1000], eval_set=[(train[1000:], y[1000:])], callbacks=[lightgbm.early_stopping(5, verbose=False)])
    assert 0 < model.best_iteration_ < 150
    case = lightgbm_case(model, train, test)
    case.outputs = lambda rows: model.predict_proba(rows)[:, 1]
    return case


def lightgbm_categories(**parameters: Any) -> Callable[[], Case]:
    def make() -> Case:
        train, test = frame(TRAIN_ROWS, 1), frame(TEST_ROWS, 2)
        # In the order in which they came, which is not pandas' own.
        train["code"] = train["code"].cat.reorder_categories(CODES)
        test["code"] = test["code"].cat.reorder_categories(CODES[::-1])
        numbers = frame_numbers(test, {code: index for index, code in enumerate(CODES)})
        model = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1, min_data_per_group=5, cat_smooth=1, **parameters)
        model.fit(train, frame_labels(train, 5).astype(float))
        return lightgbm_case(model, train, test, numbers=numbers)

    return make


def lightgbm_array_categories() -> Case:
    """Categories of an array, with values that no training row had: unknown, negative, fractional."""
    generator = np.random.default_rng(3)
    train, test = values(TRAIN_ROWS, 1), values(TEST_ROWS, 2)
    train[:, 1] = generator.integers(0, 40, TRAIN_ROWS)
    test[:, 1] = generator.choice([-2, -1, -0.5, 0, 0.5, 3, 17, 39, 40, 41, 1000, np.nan], TEST_ROWS)
    y = np.isin(train[:, 1], [1, 3, 17, 39]) + targets(train)
    model = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1, min_data_per_group=5).fit(train, y, categorical_feature=[1])
    return lightgbm_case(model, train, test)


# -- scikit-learn


def classes_of(model: Any, rows: Any) -> np.ndarray:
    probabilities = model.predict_proba(rows)
    return probabilities[:, 1] if len(model.classes_) == 2 else probabilities


def sklearn_case(model: Any, train: Any, test: Any, **more: Any) -> Case:
    outputs = (lambda rows: classes_of(model, rows)) if hasattr(model, "classes_") else model.predict
    return Case(model, train, test, outputs=outputs, **more)


def sklearn_model(
    model: Any, *, classes: int = 0, missing: bool = True, y: Any = None, double: bool = False, leaves: bool = False, scale: bool = False,
    raw: str = "", **more: Any
) -> Callable[[], Case]:
    """:param double: rows of float64 that float32 does not represent."""

    def make() -> Case:
        train, test = (values(rows, seed, missing=0.1 if missing else 0.0) for rows, seed in ((TRAIN_ROWS, 1), (TEST_ROWS, 2)))
        if double:
            train, test = (table.astype(np.float64) * (1 + 1e-12) for table in (train, test))
        target = y(train) if y else labels(train, classes) if classes else targets(train)
        fitted = make_pipeline(StandardScaler(), model).fit(train, target) if scale else model.fit(train, target)
        case = sklearn_case(fitted, train, test, **more)
        if leaves:
            case.leaves = fitted.apply
        if raw:
            case.raw = getattr(fitted, raw)
        return case

    return make


def isolation_forest(**parameters: Any) -> Callable[[], Case]:
    def make() -> Case:
        train, test = values(TRAIN_ROWS, 1, missing=0), values(TEST_ROWS, 2, missing=0)
        model = ensemble.IsolationForest(n_estimators=30, random_state=1, **parameters).fit(train)

        def path_lengths(rows: Any) -> Any:
            """What score_samples raises 2 to, of which it tells no more than the power."""
            total = np.zeros(len(rows))
            for member, columns in zip(model.estimators_, model.estimators_features_):
                node = member.apply(rows[:, columns])
                depth = np.asarray(member.decision_path(rows[:, columns]).sum(axis=1)).ravel()
                total += depth + average_path_length(member.tree_.n_node_samples[node]) - 1.0
            return total

        return Case(model, train, test, outputs=model.score_samples, raw=path_lengths, output_tolerance=1e-15)

    return make


def average_path_length(samples: np.ndarray) -> np.ndarray:
    """c(n) of the Isolation Forest paper."""
    many = 2.0 * (np.log(np.maximum(samples, 3) - 1.0) + np.euler_gamma) - 2.0 * (samples - 1.0) / samples
    return np.where(samples > 2, many, np.where(samples == 2, 1.0, 0.0))


def hist_categories(kind: str) -> Callable[[], Case]:
    def make() -> Case:
        train, test = frame(TRAIN_ROWS, 1), frame(TEST_ROWS, 2)
        for table in (train, test):
            # Numbers other than 0, 1, 2 … would be refused; texts are not.
            table["code"] = table["code"].astype(str).astype("category")
        model: Any = getattr(ensemble, kind)(max_iter=20, categorical_features="from_dtype")
        model.fit(train, frame_labels(train, 3))
        order = {code: index for index, code in enumerate(sorted(map(str, CODES)))}
        return sklearn_case(
            model, train, test, numbers=frame_numbers(test, order), output_tolerance=1e-14 if kind.endswith("Classifier") else 0.0,
            raw=model.decision_function if kind.endswith("Classifier") else model.predict,
        )

    return make


def three_targets(table: np.ndarray) -> np.ndarray:
    return np.column_stack([targets(table), -targets(table), counts(table)])


def count_targets(table: np.ndarray) -> np.ndarray:
    return counts(table)


HIST = {"max_iter": 20, "random_state": 1}
LINEAR = {"missing": False, "double": True, "raw_tolerance": 1e-6, "output_tolerance": 1e-6}
SCALED = {"missing": False, "double": True, "scale": True, "raw_tolerance": 1e-12, "output_tolerance": 1e-12}
EXPONENTIAL = {"output_tolerance": 1e-14}
CASES: dict[str, Callable[[], Case]] = {
    **{
        f"xgboost {objective}": xgboost_objective(objective)
        for objective in (
            "binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic", "reg:squarederror", "reg:absoluteerror",
            "reg:pseudohubererror", "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft", "rank:pairwise", "rank:ndcg",
        )
    },
    "xgboost quantiles": xgboost_objective("reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]),
    "xgboost softprob": xgboost_objective("multi:softprob", num_class=4),
    "xgboost softmax": xgboost_objective("multi:softmax", num_class=4),
    "xgboost dart": xgboost_objective("binary:logistic", booster="dart", rate_drop=0.3),
    "xgboost parallel trees": xgboost_objective("binary:logistic", num_parallel_tree=4, subsample=0.6, rounds=5),
    "xgboost gblinear": xgboost_objective("binary:logistic", booster="gblinear"),
    "xgboost gblinear softprob": xgboost_objective("multi:softprob", booster="gblinear", num_class=3),
    "xgboost early stopping": xgboost_early_stopping,
    "xgboost XGBClassifier": xgboost_estimator("XGBClassifier"),
    "xgboost XGBRegressor": xgboost_estimator("XGBRegressor"),
    "xgboost XGBRanker": xgboost_estimator("XGBRanker"),
    "xgboost XGBRFClassifier": xgboost_estimator("XGBRFClassifier"),
    "xgboost XGBRFRegressor": xgboost_estimator("XGBRFRegressor"),
    "xgboost targets": xgboost_targets("one_output_per_tree"),
    "xgboost vector leaves": xgboost_targets("multi_output_tree"),
    "xgboost categories": xgboost_categories(1),
    "xgboost one-hot categories": xgboost_categories(100),
    **{
        f"lightgbm {objective}": lightgbm_objective(objective)
        for objective in (
            "binary", "regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie", "cross_entropy",
            "cross_entropy_lambda", "lambdarank", "rank_xendcg",
        )
    },
    "lightgbm sigmoid": lightgbm_objective("binary", sigmoid=1.7283),
    "lightgbm sqrt": lightgbm_objective("regression", reg_sqrt=True),
    "lightgbm multiclass": lightgbm_objective("multiclass", num_class=4),
    "lightgbm multiclassova": lightgbm_objective("multiclassova", num_class=3, sigmoid=0.7),
    "lightgbm dart": lightgbm_objective("binary", boosting="dart"),
    "lightgbm rf": lightgbm_objective("binary", boosting="rf", bagging_freq=1, bagging_fraction=0.6),
    "lightgbm rf multiclass": lightgbm_objective("multiclass", num_class=3, boosting="rf", bagging_freq=1, bagging_fraction=0.6),
    "lightgbm zero as missing": lightgbm_objective("binary", zero_as_missing=True),
    "lightgbm no missing": lightgbm_objective("binary", use_missing=False),
    "lightgbm constant": lightgbm_objective("regression", min_data_in_leaf=10_000),
    "lightgbm early stopping": lightgbm_early_stopping,
    "lightgbm categories": lightgbm_categories(),
    "lightgbm one-hot categories": lightgbm_categories(max_cat_to_onehot=100),
    "lightgbm categories of an array": lightgbm_array_categories,
    "DecisionTreeClassifier": sklearn_model(tree.DecisionTreeClassifier(max_depth=8), classes=2, leaves=True),
    "DecisionTreeRegressor": sklearn_model(tree.DecisionTreeRegressor(max_depth=8), double=True, leaves=True),
    "ExtraTreeClassifier": sklearn_model(tree.ExtraTreeClassifier(random_state=1), classes=3, leaves=True, missing=False),
    "ExtraTreeRegressor": sklearn_model(tree.ExtraTreeRegressor(random_state=1, max_depth=7), leaves=True, missing=False),
    "RandomForestClassifier": sklearn_model(ensemble.RandomForestClassifier(25, random_state=1), classes=2, leaves=True, double=True),
    "RandomForestClassifier threads": sklearn_model(
        ensemble.RandomForestClassifier(25, random_state=1, n_jobs=2), classes=2, output_tolerance=1e-15
    ),
    "RandomForestClassifier classes": sklearn_model(ensemble.RandomForestClassifier(20, random_state=1, max_depth=7), classes=4, leaves=True),
    "RandomForestRegressor": sklearn_model(ensemble.RandomForestRegressor(20, random_state=1, max_features=0.5), leaves=True),
    "RandomForestRegressor targets": sklearn_model(ensemble.RandomForestRegressor(15, random_state=1), y=three_targets, leaves=True),
    "ExtraTreesClassifier": sklearn_model(ensemble.ExtraTreesClassifier(20, random_state=1), classes=3, leaves=True, missing=False),
    "ExtraTreesRegressor": sklearn_model(ensemble.ExtraTreesRegressor(20, random_state=1, max_depth=9), leaves=True, missing=False),
    "GradientBoostingClassifier": sklearn_model(
        ensemble.GradientBoostingClassifier(n_estimators=25, random_state=1), classes=2, missing=False, double=True, raw="decision_function",
        **EXPONENTIAL,
    ),
    "GradientBoostingClassifier exponential": sklearn_model(
        ensemble.GradientBoostingClassifier(n_estimators=25, loss="exponential"), classes=2, missing=False, raw="decision_function", **EXPONENTIAL
    ),
    "GradientBoostingClassifier classes": sklearn_model(
        ensemble.GradientBoostingClassifier(n_estimators=15), classes=4, missing=False, raw="decision_function", **EXPONENTIAL
    ),
    "GradientBoostingClassifier zero": sklearn_model(
        ensemble.GradientBoostingClassifier(n_estimators=15, init="zero"), classes=2, missing=False, raw="decision_function", **EXPONENTIAL
    ),
    "GradientBoostingRegressor": sklearn_model(ensemble.GradientBoostingRegressor(n_estimators=25), missing=False, raw="predict"),
    "GradientBoostingRegressor quantile": sklearn_model(
        ensemble.GradientBoostingRegressor(n_estimators=15, loss="quantile", subsample=0.7), missing=False
    ),
    "HistGradientBoostingClassifier": sklearn_model(
        ensemble.HistGradientBoostingClassifier(**HIST), classes=2, double=True, raw="decision_function", **EXPONENTIAL
    ),
    "HistGradientBoostingClassifier classes": sklearn_model(
        ensemble.HistGradientBoostingClassifier(**HIST), classes=4, raw="decision_function", **EXPONENTIAL
    ),
    "HistGradientBoostingRegressor": sklearn_model(ensemble.HistGradientBoostingRegressor(**HIST), double=True, raw="predict"),
    "HistGradientBoostingRegressor poisson": sklearn_model(
        ensemble.HistGradientBoostingRegressor(loss="poisson", **HIST), y=count_targets, **EXPONENTIAL
    ),
    "HistGradientBoostingClassifier categories": hist_categories("HistGradientBoostingClassifier"),
    "HistGradientBoostingRegressor categories": hist_categories("HistGradientBoostingRegressor"),
    "IsolationForest": isolation_forest(),
    "IsolationForest some features": isolation_forest(max_features=0.5, max_samples=100, bootstrap=True),
    "LogisticRegression": sklearn_model(linear_model.LogisticRegression(), classes=2, **LINEAR),
    "LogisticRegression classes": sklearn_model(linear_model.LogisticRegression(max_iter=200), classes=4, **LINEAR),
    "LinearRegression": sklearn_model(linear_model.LinearRegression(), **LINEAR),
    "LinearRegression targets": sklearn_model(linear_model.LinearRegression(), y=three_targets, **LINEAR),
    "Ridge": sklearn_model(linear_model.Ridge(), **LINEAR),
    "Lasso": sklearn_model(linear_model.Lasso(alpha=0.1), **LINEAR),
    "PoissonRegressor scaled": sklearn_model(linear_model.PoissonRegressor(), y=count_targets, **SCALED),
    "SGDClassifier scaled": sklearn_model(linear_model.SGDClassifier(loss="log_loss", random_state=1), classes=2, **SCALED),
    "LogisticRegression scaled": sklearn_model(linear_model.LogisticRegression(), classes=2, raw="decision_function", **SCALED),
    "RandomForestClassifier scaled": sklearn_model(
        ensemble.RandomForestClassifier(20, random_state=1), classes=2, scale=True, double=True
    ),
    "HistGradientBoostingRegressor scaled": sklearn_model(ensemble.HistGradientBoostingRegressor(**HIST), scale=True, double=True),
    "XGBRegressor scaled": sklearn_model(xgboost.XGBRegressor(n_estimators=15), scale=True, double=True),
    "LGBMClassifier scaled": sklearn_model(lightgbm.LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1), classes=2, scale=True, double=True),
}


def table(result: Any, rows: int) -> np.ndarray:
    return np.asarray(result).astype(np.float64).reshape(rows, -1)


def compare(got: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> str:
    """All within the tolerance; returns how many have the same bits."""
    assert got.shape == expected.shape, what
    equal = got.view(np.uint64) == expected.view(np.uint64)
    distance = np.abs(got - expected) / np.maximum(1, np.abs(expected))
    assert (equal | (distance <= tolerance)).all(), f"{what}: {(~equal).sum()} of {equal.size} differ, by up to {distance.max()}"
    return f"{what} {int(equal.all(axis=1).sum())} bit-equal" + (f", within {distance.max():.1e}" if not equal.all() else "")


@pytest.mark.parametrize("name", CASES)
def test_an_exported_model_scores_as_its_framework_does(name: str, work: pathlib.Path) -> None:
    case = CASES[name]()
    path = work / "exported.assay"
    exported = assay.export(case.model, case.train, name="exported", path=path, golden_rows=300)
    assert path.read_bytes() == exported.data == assay.export(case.model, case.train, name="exported", golden_rows=300).data
    assert exported.raw_tolerance <= case.raw_tolerance and exported.output_tolerance <= case.output_tolerance

    verified = output_of("bundle", "verify", path)
    assert verified["admitted"] and verified["digest"] == exported.digest and verified["golden_rows"] == 300
    rows = len(case.test)
    numbers = case.test if case.numbers is None else case.numbers
    np.save(work / "rows.npy", numbers)

    def scored(*options: str) -> np.ndarray:
        assay_command("bundle", "score", path, "--rows", work / "rows.npy", *options)
        return np.load(work / "out.npy")

    outputs = table(scored("--output", work / "out.npy"), rows)
    said = [compare(outputs, table(case.outputs(case.test), rows), case.output_tolerance, "outputs")]
    if case.raw:
        raw = table(scored("--output", work / "out.npy", "--raw"), rows)
        said.append(compare(raw, table(case.raw(case.test), rows), case.raw_tolerance, "raw scores"))
    if case.leaves:
        leaves = scored("--leaves", work / "out.npy").reshape(rows, -1)
        expected = np.asarray(case.leaves(case.test)).reshape(rows, -1)
        assert (leaves == expected).all()
        said.append("leaves equal")
    page = BundlePage(exported.data)
    assert page.check_golden(20) == 20
    assert len(page.covers) == page.node_count or page.tree_count == 0
    print(f"export: {name}: {rows} rows: {', '.join(said)}")


@pytest.mark.parametrize(
    "name", ["xgboost softprob", "xgboost dart", "xgboost categories", "lightgbm multiclass", "lightgbm rf", "lightgbm categories", "IsolationForest",
             "RandomForestClassifier", "HistGradientBoostingClassifier categories", "LogisticRegression"],
)
def test_an_exported_model_explains_itself(name: str, work: pathlib.Path) -> None:
    """With the covers that were exported; XGBoost and LightGBM tell what the contributions are."""
    case, rows = CASES[name](), 200
    test = case.test[:rows]
    assay.export(case.model, case.train, name="explained", path=work / "explained.assay", golden_rows=10)
    np.save(work / "rows.npy", (case.test if case.numbers is None else case.numbers)[:rows])
    assay_command("bundle", "score", work / "explained.assay", "--rows", work / "rows.npy", "--contributions", work / "out.npy", "--output",
                  work / "raw.npy", "--raw")
    raw = table(np.load(work / "raw.npy"), rows)
    contributions = np.load(work / "out.npy").reshape(rows, raw.shape[1], -1)
    assert np.allclose(contributions.sum(axis=2), raw, rtol=1e-5, atol=1e-5)
    assert (np.abs(contributions[:, :, :-1]).max(axis=(0, 1)) > 0).any()
    if name.startswith("xgboost"):
        booster = case.model.get_booster() if hasattr(case.model, "get_booster") else case.model
        expected = booster.predict(xgboost.DMatrix(test, enable_categorical=True), pred_contribs=True, validate_features=False)
    elif name.startswith("lightgbm"):
        expected = case.model.predict(test, pred_contrib=True)
    else:
        return
    assert np.allclose(contributions, np.asarray(expected).reshape(contributions.shape), rtol=1e-4, atol=1e-5)


# -- What is told of the model


def binary() -> Case:
    return xgboost_objective("binary:logistic")()


def test_names_types_and_provenance_are_those_of_the_rows_and_the_model(work: pathlib.Path) -> None:
    case = xgboost_categories(1)()
    path = work / "told.assay"
    assay.export(case.model, case.train, name="told", path=path, provenance={"trained_by": "risk"})
    facts = output_of("bundle", "inspect", path)
    assert [feature["name"] for feature in facts["features"]] == list(case.train.columns)
    assert [feature["type"] for feature in facts["features"]] == ["float", "integer", "categorical", "float", "boolean", "categorical", "float"]
    told = facts["provenance"]
    assert told["source.version"] == f"xgboost {xgboost.__version__}" and told["source.model"] == "XGBClassifier"
    assert told["source.features"] == "7" and told["source.rows"] == f"{TRAIN_ROWS} x 7" and len(told["source.sha256"]) == 64
    assert json.loads(told["categories.2"]) == CATEGORIES and json.loads(told["categories.5"]) == sorted(CODES)
    assert told["trained_by"] == "risk"
    assert (facts["review_threshold"], facts["decline_threshold"], facts["golden_rows"]) == (0.5, 0.9, 1000)


def test_thresholds_come_from_the_arguments_then_the_schema_then_the_model(work: pathlib.Path) -> None:
    case = binary()
    schema = {
        "features": [
            {"name": f"v{index}", "missing": "refused" if index else "allowed", "reason": f"Because of {index}"} for index in range(FEATURES)
        ],
        "review_threshold": 0.3, "decline_threshold": None, "provenance": {"data": "2026-10"},
    }
    (work / "schema.json").write_text(json.dumps(schema))
    path = work / "thresholds.assay"
    assay.export(case.model, case.train, name="thresholds", path=path, schema=work / "schema.json", review=0.25, golden_rows=0)
    facts = output_of("bundle", "inspect", path)
    assert (facts["review_threshold"], facts["decline_threshold"], facts["unproven"]) == (0.25, None, True)
    assert facts["features"][1]["reason"] == "Because of 1" and not facts["features"][1]["missing_allowed"]
    assert facts["provenance"]["data"] == "2026-10"
    # The same through the importer's file of the same model.
    case.model.save_model(work / "model.ubj")
    assay_command("bundle", "import", work / "model.ubj", "--name", "thresholds", "--schema", work / "schema.json", "-o", work / "imported.assay")
    imported, exported = (BundlePage((work / name).read_bytes()) for name in ("imported.assay", "thresholds.assay"))
    assert imported.sections[2] == exported.sections[2]
    assert [section for section in (*range(5, 10), *range(11, 20), 32) if imported.sections[section] != exported.sections[section]] == []


@pytest.mark.parametrize("name", ["xgboost categories", "xgboost vector leaves", "xgboost gblinear", "xgboost dart", "lightgbm categories",
                                  "lightgbm zero as missing", "lightgbm rf multiclass", "lightgbm constant"])
def test_exporter_and_importer_make_the_same_of_a_model(name: str, work: pathlib.Path) -> None:
    case = CASES[name]()
    model = case.model.get_booster() if hasattr(case.model, "get_booster") else getattr(case.model, "booster_", case.model)
    model.save_model(str(work / ("model.txt" if name.startswith("lightgbm") else "model.ubj")))
    (file,) = work.glob("model.*")
    assay_command("bundle", "import", file, "--name", "same", "-o", work / "imported.assay")
    exported = BundlePage(assay.export(case.model, case.train, name="same", golden_rows=0).data)
    imported = BundlePage((work / "imported.assay").read_bytes())
    # Columns tell more of types than a model file.
    names = () if hasattr(case.train, "columns") else (2,)
    differing = [section for section in (1, *names, 3, *range(5, 10), *range(11, 20), 32) if imported.sections[section] != exported.sections[section]]
    assert differing == []


# -- What is refused


def fitted(model: Any, **options: Any) -> tuple[Any, np.ndarray]:
    train = values(300, 1, missing=0)
    return model.fit(train, labels(train, options.pop("classes", 2)), **options), train


def test_what_is_not_supported_is_refused_by_its_name() -> None:
    from sklearn.ensemble import AdaBoostClassifier, VotingClassifier
    from sklearn.preprocessing import MinMaxScaler

    refused: list[tuple[Any, str]] = [
        (fitted(AdaBoostClassifier()), "AdaBoostClassifier"),
        (fitted(VotingClassifier([("a", tree.DecisionTreeClassifier())])), "VotingClassifier"),
        (fitted(make_pipeline(MinMaxScaler(), linear_model.LogisticRegression())), "MinMaxScaler"),
        (fitted(linear_model.SGDClassifier(loss="log_loss"), classes=3), "each against the rest"),
        (fitted(linear_model.SGDClassifier(loss="hinge")), "hinge"),
        (fitted(lightgbm.LGBMClassifier(linear_tree=True, verbose=-1, n_estimators=3)), "linear_tree"),
        (fitted(xgboost.XGBClassifier(missing=-999.0, n_estimators=3)), "missing=-999.0"),
        (fitted(ensemble.GradientBoostingClassifier(init=tree.DecisionTreeClassifier(), n_estimators=3)), "init=DecisionTreeClassifier"),
        ((np.zeros((3, 3)), np.zeros((3, 3))), "ndarray"),
    ]
    for (model, train), told in refused:
        with pytest.raises(assay.ExportError, match=told):
            assay.export(model, train, name="refused")


def test_rows_that_are_not_the_models_are_refused() -> None:
    case = lightgbm_categories()()
    renamed = case.train.rename(columns={"ratio": "rate"})
    with pytest.raises(assay.ExportError, match="'rate'.*'ratio'"):
        assay.export(case.model, renamed, name="refused")
    numbers = binary()
    with pytest.raises(assay.ExportError, match="8 columns"):
        assay.export(numbers.model, numbers.train[:, :8], name="refused")
    with pytest.raises(assay.ExportError, match="infinite"):
        assay.export(fitted(lightgbm.LGBMClassifier(verbose=-1, n_jobs=1))[0], np.full((2, FEATURES), math.inf), name="refused")


def test_a_model_that_was_read_wrongly_is_never_written(monkeypatch: pytest.MonkeyPatch, work: pathlib.Path) -> None:
    """One bit changed in the leaves of one tree on the way: no file."""
    from assay._export import _xgboost

    case = binary()
    read = _xgboost.read

    def damaged(model: Any, rows: Any) -> Any:
        result = read(model, rows)
        tree = result.ensemble.trees[7]
        leaves = tree.values.astype(np.float32)
        leaves.view(np.uint32)[tree.left < 0] ^= 8
        tree.values = leaves.astype(np.float64)
        return result

    monkeypatch.setattr(_xgboost, "read", damaged)
    with pytest.raises(assay.ExportError, match="the model gives"):
        assay.export(case.model, case.train, name="damaged", path=work / "damaged.assay")
    assert list(work.iterdir()) == []
