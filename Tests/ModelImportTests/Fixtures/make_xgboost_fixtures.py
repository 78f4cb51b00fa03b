"""Makes further small XGBoost models of this folder: categories, vector leaves, linear models. make_fixtures.py makes the others.

Made with Python 3.11, xgboost 3.2.0 (vector_leaf_21: 2.1.4), numpy 2.4.6 and pandas 3.1.1, seed 20261123; run it in this folder to
make them again: `make_xgboost_fixtures.py`, then with xgboost 2.1.4 installed `make_xgboost_fixtures.py 2.1`.
Every model NAME has NAME.json, NAME.ubj, NAME.margin.npy, NAME.pred.npy and, but for linear ones, NAME.leaf.npy over its rows:
X_categories.npy, or X_linear.npy for linear ones.

Columns of the rows: 0 and 1 numbers, sometimes missing; 2 and 3 categories below 6 and below 80, sometimes missing, and in tests also
unseen, negative, fractional and too large.
"""

import sys

import numpy as np
import xgboost as xgb

IS_OLD = sys.argv[1:] == ["2.1"]
assert xgb.__version__ == ("2.1.4" if IS_OLD else "3.2.0")
random = np.random.default_rng(20261123)
ROWS, TEST_ROWS = 500, 40
TYPES = ["float", "float", "c", "c"]


def rows(count):
    x = np.empty((count, 4), dtype=np.float32)
    x[:, 0] = random.normal(size=count)
    x[:, 1] = random.normal(size=count)
    x[:, 2] = random.integers(0, 6, size=count)
    x[:, 3] = random.integers(0, 16, size=count) * 5
    x[random.random(x.shape) < 0.08] = np.nan
    return x


X = rows(ROWS)
T = rows(TEST_ROWS)
T[0:9, 2] = [6, 31, 32, 1000, 16777215, 16777216, 1e9, 5, 0]
T[9:14, 3] = [75, 80, 95, 96, 4]
# XGBoost refuses these where it is told that the columns are categories; a server's rows do not tell.
CODES = T.copy()
CODES[14:18, 2] = [-1, -0.5, -0.0, 2.75]
CODES[18:20, 3] = [7.5, -7]
signal = (np.nan_to_num(X[:, 0]) + 0.3 * np.nan_to_num(X[:, 1]) + np.isin(X[:, 2], [1, 4]) - 0.7 * np.isin(X[:, 3], [0, 5, 35, 70])
          + 0.1 * random.normal(size=ROWS))
binary = (signal > 0.3).astype(np.float32)
classes = np.digitize(signal, [-0.3, 0.6]).astype(np.float32)
two = np.stack([signal, signal * np.nan_to_num(X[:, 1]) + 5], axis=1)
COMMON = {"max_depth": 3, "eta": 0.3, "seed": 7, "nthread": 1, "tree_method": "hist"}


def save(name, booster, test):
    for suffix in ("json", "ubj"):
        booster.save_model(f"{name}.{suffix}")
    # Types and names are left out: the categories come as plain numbers, as they do to a server. Not inplace_predict: it adds DART's
    # weighted trees in another way and differs in last bits.
    plain = xgb.Booster(model_file=f"{name}.json")
    plain.feature_names = plain.feature_types = None
    data = xgb.DMatrix(test)
    np.save(f"{name}.margin.npy", plain.predict(data, output_margin=True).astype(np.float32).reshape(len(test), -1))
    np.save(f"{name}.pred.npy", plain.predict(data).astype(np.float32).reshape(len(test), -1))
    if not name.startswith("linear"):
        leaves = plain.predict(data, pred_leaf=True)
        np.save(f"{name}.leaf.npy", leaves.astype(np.int32).reshape(len(test), -1))


def train(name, label, rounds=3, types=TYPES, test=CODES, **parameters):
    data = xgb.DMatrix(X, label=label, feature_types=types, enable_categorical=types is not None)
    save(name, xgb.train({**COMMON, **parameters}, data, rounds), test)


if IS_OLD:
    train("vector_leaf_21", two, types=None, objective="reg:squarederror", multi_strategy="multi_output_tree")
    sys.exit()

np.save("X_categories.npy", CODES)
train("categories_one_hot", binary, objective="binary:logistic", max_cat_to_onehot=1000)
train("categories_partition", signal, objective="reg:squarederror", max_cat_to_onehot=1)
train("categories_mixed", classes, objective="multi:softprob", num_class=3, max_cat_to_onehot=6, base_score=[0.2, 0.5, 0.3])
train("categories_dart", binary, rounds=6, objective="binary:logistic", max_cat_to_onehot=6, booster="dart", rate_drop=0.5)
train("vector_leaf", two, types=None, objective="reg:squarederror", multi_strategy="multi_output_tree")
train("vector_leaf_softprob", classes, types=None, objective="multi:softprob", num_class=3, multi_strategy="multi_output_tree")
train("vector_leaf_quantiles", signal, types=None, objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9],
      multi_strategy="multi_output_tree")

import pandas as pd  # noqa: E402

frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1]})
codes = np.where(np.isnan(X[:, 2]), -1, X[:, 2]).astype(int)
frame["c"] = pd.Categorical.from_codes(codes, categories=["zero", "one", "two", "three", "four", "five"])
frame["d"] = pd.Categorical.from_codes(np.where(np.isnan(X[:, 3]), -1, X[:, 3] / 5).astype(int), categories=range(100, 116))
recoded = xgb.train({**COMMON, "objective": "binary:logistic", "max_cat_to_onehot": 1},
                    xgb.DMatrix(frame, label=binary, enable_categorical=True), 3)
save("categories_pandas", recoded, CODES)

LINEAR = np.nan_to_num(X, nan=0.5)
linear_test = rows(TEST_ROWS)
np.save("X_linear.npy", linear_test)
for name, label, parameters in (
        ("linear_logistic", binary, {"objective": "binary:logistic", "base_score": 0.3}),
        ("linear_poisson", np.floor(np.exp(signal)), {"objective": "count:poisson"}),
        ("linear_softprob", classes, {"objective": "multi:softprob", "num_class": 3})):
    booster = xgb.train({"booster": "gblinear", "nthread": 1, "seed": 7, "updater": "coord_descent", **parameters},
                        xgb.DMatrix(LINEAR, label=label), 5)
    save(name, booster, linear_test)
