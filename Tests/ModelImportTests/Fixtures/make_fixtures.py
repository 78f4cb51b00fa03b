"""Makes the small XGBoost models of this folder and their reference predictions.

Made with Python 3.11, xgboost 3.2.0 and numpy 2.4.6, seed 20261121; run it in this folder to make them again.
Every model NAME has NAME.json, NAME.ubj, NAME.margin.npy and NAME.pred.npy over the rows of its X file: X.npy, X_named.npy.
"""

import json

import numpy as np
import xgboost as xgb

assert xgb.__version__ == "3.2.0"
random = np.random.default_rng(20261121)
ROWS, FEATURES = 400, 5
TEST_ROWS = 60

X = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
X[:, 4] = random.integers(0, 4, size=ROWS)
X[random.random(X.shape) < 0.08] = np.nan
X[random.random(X.shape) < 0.04] = 0.0
X[::37, 1] = -0.0
signal = np.nan_to_num(X[:, 0]) + 0.5 * np.nan_to_num(X[:, 1]) * np.nan_to_num(X[:, 2]) + 0.1 * random.normal(size=ROWS)
binary = (signal > 0.3).astype(np.float32)
positive = np.exp(0.5 * signal).astype(np.float32)
classes = np.digitize(signal, [-0.5, 0.5]).astype(np.float32)
np.save("X.npy", X[:TEST_ROWS])

COMMON = {"max_depth": 3, "eta": 0.3, "seed": 7, "nthread": 1}


def save(name, booster, rows=None):
    rows = X[:TEST_ROWS] if rows is None else rows
    data = xgb.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types)
    booster.save_model(name + ".json")
    booster.save_model(name + ".ubj")
    for suffix, margin in (("margin", True), ("pred", False)):
        result = booster.predict(data, output_margin=margin, strict_shape=True)
        np.save(f"{name}.{suffix}.npy", result.astype(np.float32).reshape(len(rows), -1))


def train(name, label, rounds=5, extra_data=None, **parameters):
    data = xgb.DMatrix(X, label=label)
    for key, values in (extra_data or {}).items():
        data.set_float_info(key, values)
    save(name, xgb.train({**COMMON, **parameters}, data, rounds))


train("binary_logistic", binary, objective="binary:logistic")
train("binary_base_score", binary, objective="binary:logistic", base_score=0.05)
train("binary_logitraw", binary, objective="binary:logitraw")
train("binary_hinge", binary, objective="binary:hinge")
train("reg_logistic", binary, objective="reg:logistic")
train("reg_squarederror", signal, objective="reg:squarederror")
train("reg_absoluteerror", signal, objective="reg:absoluteerror")
train("reg_squaredlogerror", positive, objective="reg:squaredlogerror")
train("reg_pseudohubererror", signal, objective="reg:pseudohubererror")
train("reg_quantileerror", signal, objective="reg:quantileerror", quantile_alpha=0.8)
train("reg_quantiles", signal, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9])
train("count_poisson", np.floor(positive), objective="count:poisson")
train("reg_gamma", positive, objective="reg:gamma")
train("reg_tweedie", positive, objective="reg:tweedie", tweedie_variance_power=1.3)
train("survival_cox", positive * np.where(binary > 0, 1, -1), objective="survival:cox")
train("survival_aft", positive, objective="survival:aft",
      extra_data={"label_lower_bound": positive, "label_upper_bound": positive * 1.5})
train("multi_softprob", classes, objective="multi:softprob", num_class=3)
train("multi_softmax", classes, objective="multi:softmax", num_class=3)
train("forest", binary, rounds=2, objective="binary:logistic", num_parallel_tree=6, subsample=0.7, eta=1)
train("dart", binary, rounds=8, objective="binary:logistic", booster="dart", rate_drop=0.4)
train("lossguide", binary, objective="binary:logistic", grow_policy="lossguide", max_leaves=12, max_depth=0)
train("pruned", binary, rounds=4, objective="binary:logistic", tree_method="exact", gamma=4.0, max_depth=6)
train("single_leaf", np.ones(ROWS, dtype=np.float32), rounds=2, objective="reg:squarederror", base_score=0.25)

data = xgb.DMatrix(X, label=binary)
ranking = xgb.DMatrix(X, label=binary, qid=np.arange(ROWS) // 20)
for kind in ("pairwise", "ndcg", "map"):
    save("rank_" + kind, xgb.train({**COMMON, "objective": "rank:" + kind}, ranking, 4))

two = np.stack([signal, positive], axis=1)
save("two_targets", xgb.train({**COMMON, "objective": "reg:squarederror"}, xgb.DMatrix(X, label=two), 4))

early = xgb.train({**COMMON, "objective": "binary:logistic", "eta": 1.0}, xgb.DMatrix(X[:100], label=binary[:100]), 12,
                  evals=[(xgb.DMatrix(X[100:], label=binary[100:]), "holdout")], early_stopping_rounds=3, verbose_eval=False)
assert early.best_iteration + 1 < early.num_boosted_rounds()
save("early_stopped", early)

names = ["amount", "hour", "velocity", "é-score", "country"]
types = ["float", "int", "q", "float", "i"]
named = np.nan_to_num(X)
named[:, 1] = np.rint(named[:, 1])
named[:, 4] = (named[:, 4] > 1).astype(np.float32)
np.save("X_named.npy", named[:TEST_ROWS])
save("named", xgb.train({**COMMON, "objective": "binary:logistic"},
                        xgb.DMatrix(named, label=binary, feature_names=names, feature_types=types), 4), named[:TEST_ROWS])

# NumPy's own files of every type and order that is read.
grid = np.arange(6).reshape(2, 3) - 2
for kind in ("<f4", "<f8", "<i4", "<i8"):
    np.save(f"grid_{kind[1:]}.npy", grid.astype(kind))
np.save("grid_fortran.npy", np.asfortranarray(grid.astype("<f4")))
np.save("column.npy", np.array([1.5, np.nan], dtype="<f4"))
