"""Makes the small LightGBM models of this folder and their reference results.

Made with Python 3.11, lightgbm 4.7.0 and numpy 2.4.6, seed 20261122; run it in this folder to make them again.
Every model lgb_NAME.txt has lgb_NAME.margin.npy and lgb_NAME.pred.npy (float64) and lgb_NAME.leaf.npy (int32) over lgb_X.npy.

Columns of the rows: 0 a number, sometimes missing; 1 a number, often zero, in tests also too small to differ from it; 2 a number
never missing in training; 3 and 4 categories below 10 and below 200; 5 a number of large magnitude.
"""

import lightgbm as lgb
import numpy as np

assert lgb.__version__ == "4.7.0"
random = np.random.default_rng(20261122)
ROWS, TEST_ROWS = 600, 40


def rows(count):
    x = np.empty((count, 6))
    x[:, 0] = random.normal(size=count)
    x[:, 1] = np.where(random.random(count) < 0.4, 0.0, random.normal(size=count))
    x[:, 2] = random.normal(size=count)
    x[:, 3] = random.integers(0, 10, size=count)
    x[:, 4] = random.integers(0, 25, size=count) * 8
    x[:, 5] = random.normal(size=count) * 1e12
    x[random.random(count) < 0.1, 0] = np.nan
    x[random.random(count) < 0.1, 3] = np.nan
    return x


X = rows(ROWS)
T = rows(TEST_ROWS)
T[0:9, 1] = [1e-36, -1e-36, 1e-35, -1e-35, 1.0000000180025095e-35, 1.0000000180025097e-35, -1.1e-35, 5e-324, -0.0]
T[9:11, 1:3] = np.nan
T[10:18, 3] = [-1, -0.5, 2.7, 9.999, 10, 1e10, np.inf, -np.inf]
T[18:24, 4] = [np.nan, -7, 8.5, 2147483648.0, 500, -0.0]
T[24:30, 5] = [np.inf, -np.inf, 1e300, -1e300, np.nan, 0]
T[30:32, 0] = [np.inf, -np.inf]
np.save("lgb_X.npy", T)

signal = (np.nan_to_num(X[:, 0]) + np.where(X[:, 1] == 0, 0.7, 0.4 * X[:, 1]) + 0.3 * X[:, 2] + np.isin(X[:, 3], [1, 4, 7])
          - 0.8 * np.isin(X[:, 4], [8, 64, 72, 160]) + 2e-13 * X[:, 5] + 0.1 * random.normal(size=ROWS))
binary = (signal > 0.6).astype(float)
positive = np.exp(0.5 * signal)
classes = np.digitize(signal, [0, 1]).astype(float)
fraction = 1 / (1 + np.exp(-signal))

COMMON = {"num_leaves": 6, "learning_rate": 0.3, "min_data_in_leaf": 10, "min_data_per_group": 10, "cat_smooth": 1,
          "max_cat_to_onehot": 2, "seed": 7, "num_threads": 1, "deterministic": True, "verbosity": -1}


def save(name, booster, **options):
    """Writes the model, without its training parameters but for one model (they are half of such a small file), and what it gives."""
    text = booster.model_to_string(**options)
    if name != "binary":
        text = text[:text.index("\nfeature_importances:")]
    with open(f"lgb_{name}.txt", "w") as file:
        file.write(text)
    loaded = lgb.Booster(model_file=f"lgb_{name}.txt")
    np.save(f"lgb_{name}.margin.npy", loaded.predict(T, raw_score=True).astype(np.float64).reshape(TEST_ROWS, -1))
    np.save(f"lgb_{name}.pred.npy", loaded.predict(T).astype(np.float64).reshape(TEST_ROWS, -1))
    np.save(f"lgb_{name}.leaf.npy", loaded.predict(T, pred_leaf=True).astype(np.int32).reshape(TEST_ROWS, -1))


def train(name, label, rounds=3, group=None, **parameters):
    data = lgb.Dataset(X, label=label, group=group, categorical_feature=[3, 4], free_raw_data=False)
    save(name, lgb.train({**COMMON, **parameters}, data, rounds))


train("regression", signal, objective="regression")
train("regression_sqrt", signal, objective="regression", reg_sqrt=True)
train("regression_l1", signal, objective="regression_l1")
train("l1_sqrt", signal, objective="regression_l1", reg_sqrt=True)
train("huber", signal, objective="huber")
train("fair", signal, objective="fair")
train("poisson", np.floor(positive), objective="poisson")
train("quantile", signal, objective="quantile", alpha=0.8)
train("quantile_sqrt", signal, objective="quantile", alpha=0.8, reg_sqrt=True)
train("mape", positive, objective="mape")
train("gamma", positive, objective="gamma")
train("tweedie", positive, objective="tweedie", tweedie_variance_power=1.3)
train("binary", binary, objective="binary", rounds=5)
train("binary_sigmoid_2", binary, objective="binary", sigmoid=2)
train("binary_sigmoid_odd", binary, objective="binary", sigmoid=1.7491)
train("multiclass", classes, objective="multiclass", num_class=3)
train("multiclassova", classes, objective="multiclassova", num_class=3, sigmoid=1.7)
train("cross_entropy", fraction, objective="cross_entropy")
train("cross_entropy_lambda", fraction, objective="cross_entropy_lambda")
train("lambdarank", classes, objective="lambdarank", group=[20] * (ROWS // 20))
train("rank_xendcg", classes, objective="rank_xendcg", group=[20] * (ROWS // 20))
BAGGED = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
train("rf_binary", binary, objective="binary", **BAGGED)
train("rf_regression", signal, objective="regression", **BAGGED)
train("rf_multiclass", classes, objective="multiclass", num_class=3, **BAGGED)
train("dart", binary, rounds=6, objective="binary", boosting="dart", drop_rate=0.5, skip_drop=0.0)
train("zero_as_missing", signal, objective="regression", zero_as_missing=True)
train("no_missing", signal, objective="regression", use_missing=False)
train("one_hot", signal, objective="regression", max_cat_to_onehot=100)
train("constant", np.full(ROWS, 0.25), objective="regression")
train("linear", signal, objective="regression", linear_tree=True)

data = lgb.Dataset(X, label=signal, categorical_feature=[3, 4], free_raw_data=False)


def residual(predictions, dataset):
    return predictions - dataset.get_label(), np.ones(ROWS)


save("custom", lgb.train({**COMMON, "objective": residual}, data, 3))

holdout = lgb.Dataset(X[300:], label=random.normal(size=300), reference=data)
early = lgb.train({**COMMON, "objective": "regression", "learning_rate": 1}, data, 12, valid_sets=[holdout],
                  callbacks=[lgb.early_stopping(2, verbose=False)], keep_training_booster=True)
assert early.best_iteration < early.num_trees()
save("early_stopped", early)
save("early_stopped_all", early, num_iteration=-1)
