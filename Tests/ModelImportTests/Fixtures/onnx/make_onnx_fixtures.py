#!/usr/bin/env python3
"""Makes the ONNX fixtures beside this script: small models and what ONNX Runtime computes with them, in one thread.

Written with onnx 1.23.2, skl2onnx 1.20.0, onnxruntime 1.31.1, scikit-learn 1.9.1, numpy 2.4.6. For each model NAME.onnx:
NAME.out.npy   the first output that holds scores, for the rows of X.npy (X64.npy for models of doubles, X_whole.npy for whole numbers)
NAME.sums.npy  Isolation Forests: scikit-learn's sums of path lengths, float64
NAME.sk.npy    Isolation Forests: scikit-learn's score_samples or decision_function, float64
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = Path(__file__).resolve().parent
FEATURES = 5
ROWS = 48

random = np.random.default_rng(7)
train = random.normal(size=(300, FEATURES)).astype(np.float32) * np.array([1, 10, 0.1, 3, 1], np.float32)
signal = train[:, 0] + train[:, 1] / 10 - 5 * train[:, 2] + random.normal(size=300) * 0.3
binary = (signal > 0).astype(np.int64)
classes = np.digitize(signal, [-0.7, 0.7])
amount = np.exp(signal * 0.4) * 100
rows = random.normal(size=(ROWS, FEATURES)).astype(np.float32) * np.array([1, 10, 0.1, 3, 1], np.float32)
rows[:4] = train[:4]
rows[4] = 0
rows[5] = -0.0
rows[6] = [3e38, -3e38, 1e-40, -1e-40, 1]
missing = rows.copy()
missing[random.random(missing.shape) < 0.2] = np.nan
whole = random.integers(-3, 12, size=(ROWS, FEATURES)).astype(np.float32)


def save(name, array):
    np.save(HERE / name, array)


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def scores(model, inputs):
    """The first output of floats, or the maps that ZipMap makes as a table."""
    run = session(model)
    for output, value in zip(run.get_outputs(), run.run(None, inputs)):
        if isinstance(value, list):
            return np.array([list(row.values()) for row in value], dtype=np.float32)
        if value.dtype in (np.float32, np.float64):
            return value
    raise SystemExit("no scores")


def strip(model):
    """Drops what is not read and takes room."""
    for node in model.graph.node:
        for attribute in list(node.attribute):
            if attribute.name in ("nodes_hitrates", "nodes_hitrates_as_tensor"):
                node.attribute.remove(attribute)
    return model


def keep(name, model, data, **inputs):
    model = strip(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    feed = inputs or {model.graph.input[0].name: data}
    result = scores(model, feed)
    save(f"{name}.out.npy", result.reshape(len(data), -1))


def fitted(name, estimator, target, data=rows, double=False, options=None, whole_numbers=False, zipmap=False):
    estimator.fit(train, target)
    kind = Int64TensorType if whole_numbers else DoubleTensorType if double else FloatTensorType
    options = dict(options or {})
    if hasattr(estimator, "predict_proba") and not zipmap:
        options["zipmap"] = False
    model = to_onnx(
        estimator, initial_types=[("X", kind([None, FEATURES]))], target_opset={"": 17, "ai.onnx.ml": 3},
        options={id(estimator): options} if options else None,
    )  # fmt: skip
    if double and not hasattr(estimator, "predict_proba"):
        # skl2onnx declares a double, which the operator does not give.
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    keep(name, model, data.astype(np.float64) if double else data)
    return estimator


def isolation(name, estimator, data, score_samples=False):
    estimator.fit(train)
    model = to_onnx(
        estimator, initial_types=[("X", FloatTensorType([None, FEATURES]))], target_opset={"": 17, "ai.onnx.ml": 3},
        options={id(estimator): {"score_samples": True}} if score_samples else None,
    )  # fmt: skip
    keep(name, model, data)
    save(f"{name}.sk.npy", estimator.decision_function(data))
    sums = np.zeros(len(data))
    for index, tree in enumerate(estimator.estimators_):
        leaves = tree.apply(data)
        sums += estimator._decision_path_lengths[index][leaves] + estimator._average_path_length_per_tree[index][leaves] - 1.0
    save(f"{name}.sums.npy", sums)


def scikit_learn():
    forest = dict(n_estimators=4, max_depth=3, random_state=1)
    fitted("rf_binary", RandomForestClassifier(**forest), binary)
    fitted("rf_binary_zipmap", RandomForestClassifier(**forest), binary, zipmap=True)
    fitted("rf_binary_names", RandomForestClassifier(**forest), np.array(["good", "bad é"])[binary])
    fitted("rf_classes", RandomForestClassifier(**forest), classes)
    fitted("rf_classes_double", RandomForestClassifier(**forest), classes, double=True)
    fitted("extratrees_classes", ExtraTreesClassifier(**forest), classes)
    fitted("extratrees_amount", ExtraTreesRegressor(**forest), amount)
    fitted("rf_two_targets", RandomForestRegressor(**forest), np.stack([amount, signal], axis=1))
    boosting = dict(n_estimators=5, max_depth=2, random_state=1)
    fitted("gb_binary", GradientBoostingClassifier(**boosting), binary)
    fitted("gb_binary_exponential", GradientBoostingClassifier(loss="exponential", **boosting), binary)
    fitted("gb_binary_raw", GradientBoostingClassifier(**boosting), binary, options={"raw_scores": True})
    fitted("gb_classes", GradientBoostingClassifier(**boosting), classes)
    fitted("gb_amount", GradientBoostingRegressor(**boosting), amount)
    fitted("extratrees_amount_double", ExtraTreesRegressor(**forest), amount, double=True)
    fitted("tree_binary", DecisionTreeClassifier(max_depth=3), binary)
    fitted("tree_amount", DecisionTreeRegressor(max_depth=3), amount)
    fitted("rf_whole", RandomForestClassifier(**forest), binary, data=whole.astype(np.int64), whole_numbers=True)
    fitted("scaled_rf", make_pipeline(StandardScaler(), RandomForestClassifier(**forest)), binary, options=None, zipmap=True)
    fitted("scaled_amount", make_pipeline(MinMaxScaler((1, -1 + 3)), RandomForestRegressor(**forest)), amount)
    fitted("scaled_double", make_pipeline(StandardScaler(), RandomForestRegressor(**forest)), amount, double=True)
    usual = [row for row in range(ROWS) if row != 6]
    fitted("logistic", LogisticRegression(), binary, data=rows[usual])
    fitted("logistic_classes", LogisticRegression(), classes, data=rows[usual])
    fitted("logistic_double", LogisticRegression(), binary, data=rows[usual], double=True)
    fitted("linear", LinearRegression(), amount, data=rows[usual])
    fitted("scaled_logistic", make_pipeline(StandardScaler(), LogisticRegression()), binary, data=rows[usual], zipmap=True)
    isolation("iforest", IsolationForest(n_estimators=6, max_samples=32, random_state=1), rows)
    isolation("iforest_contamination", IsolationForest(n_estimators=3, max_samples=16, contamination=0.05, random_state=1), rows)
    isolation("iforest_samples", IsolationForest(n_estimators=3, max_samples=16, random_state=1), rows, score_samples=True)
    isolation("iforest_one_tree", IsolationForest(n_estimators=1, max_samples=16, random_state=1), rows)


def graph(name, nodes, data, inputs=None, initializers=(), domain_version=3, columns=FEATURES):
    names = inputs or {"X": (TensorProto.DOUBLE if data.dtype == np.float64 else TensorProto.FLOAT, columns)}
    model = helper.make_model(
        helper.make_graph(
            nodes, name, [helper.make_tensor_value_info(key, kind, [None, count]) for key, (kind, count) in names.items()],
            [helper.make_tensor_value_info(nodes[-1].output[-1], 0, None)], list(initializers),
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", domain_version)], ir_version=8,
    )  # fmt: skip
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    if domain_version == 5 and data.dtype == np.float64:
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    return model


def stumps(modes, values, features, tracks, weights, targets=1, kind="target"):
    """One tree of one branch for each mode; weights are [tree][true, false][target]."""
    lists = {key: [] for key in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                                 "missing_value_tracks_true")}  # fmt: skip
    leaf = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for tree, mode in enumerate(modes):
        for node in range(3):
            lists["treeids"].append(tree)
            lists["nodeids"].append(node)
            lists["featureids"].append(features[tree] if node == 0 else 0)
            lists["modes"].append(mode if node == 0 else "LEAF")
            lists["values"].append(float(values[tree]) if node == 0 else 0.0)
            lists["truenodeids"].append(1 if node == 0 else 0)
            lists["falsenodeids"].append(2 if node == 0 else 0)
            lists["missing_value_tracks_true"].append(tracks[tree] if node == 0 else 0)
        for node in (1, 2):
            for target in range(targets):
                leaf["treeids"].append(tree)
                leaf["nodeids"].append(node)
                leaf["ids"].append(target)
                leaf["weights"].append(float(weights[tree][node - 1][target]))
    return {f"nodes_{key}": value for key, value in lists.items()} | {f"{kind}_{key}": value for key, value in leaf.items()}


def hand_made():
    ml = dict(domain="ai.onnx.ml")
    modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ"] * 2 + ["BRANCH_NEQ"]
    weights = [[[2.0**index], [0.0]] for index in range(len(modes))]
    trees = stumps(modes, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 4, 3, 2, 1, 0, 0], [0] * 5 + [1] * 6, weights)
    gaps = whole.copy()
    gaps[random.random(gaps.shape) < 0.2] = np.nan
    gaps[:5] += 0.5
    save("X_gaps.npy", gaps)
    keep("modes", graph("modes", [helper.make_node("TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, **trees, **ml)], gaps), gaps)
    weights = random.normal(size=(4, 2, 3)).astype(np.float32)
    trees = stumps(["BRANCH_LEQ"] * 4, [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 0, 1], weights, targets=3)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], n_targets=3, post_transform="SOFTMAX", base_values=[0.5, 0.25, -1.0], **trees, **ml)
    keep("softmax_targets", graph("softmax_targets", [node], gaps), gaps)
    trees = stumps(["BRANCH_LEQ"] * 3, [0, 1, 2], [0, 1, 2], [0, 1, 0], random.normal(size=(3, 2, 1)))
    node = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], n_targets=1, aggregate_function="AVERAGE", base_values=[0.3], **trees, **ml)
    keep("average", graph("average", [node], gaps), gaps)
    trees = stumps(["BRANCH_LT"] * 4, [0, 1, 2, 3], [0, 1, 2, 3], [1, 1, 0, 0], random.normal(size=(4, 2, 1)), kind="class")
    node = helper.make_node(
        "TreeEnsembleClassifier", ["X"], ["label", "raw"], classlabels_int64s=[0, 1], post_transform="LOGISTIC",
        base_values=[-0.4], **trees, **ml)
    after = [
        helper.make_node("Identity", ["raw"], ["same"]),
        helper.make_node("Mul", ["same", "one"], ["once"]),
        helper.make_node("Cast", ["once"], ["probabilities"], to=1),
    ]
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    keep("boosted_once", graph("boosted_once", [node] + after, gaps, initializers=[one]), gaps)
    averaged = [
        helper.make_node("TreeEnsembleRegressor", ["X"], ["sum"], n_targets=1, **{k.replace("class_", "target_"): v for k, v in trees.items()}, **ml),
        helper.make_node("Div", ["sum", "four"], ["mean"]),
        helper.make_node("Exp", ["mean"], ["Y"]),
    ]
    four = helper.make_tensor("four", TensorProto.FLOAT, [1], [4.0])
    keep("exp_of_mean", graph("exp_of_mean", averaged, gaps, initializers=[four]), gaps)
    both = [
        averaged[0],
        helper.make_node("Add", ["sum", "shift"], ["shifted"]),
        helper.make_node("Sigmoid", ["shifted"], ["second"]),
        helper.make_node("Sub", ["all", "second"], ["first"]),
        helper.make_node("Concat", ["first", "second"], ["Y"], axis=1),
    ]
    constants = [helper.make_tensor("shift", TensorProto.FLOAT, [1], [0.7]), helper.make_tensor("all", TensorProto.FLOAT, [1], [1.0])]
    keep("sigmoid_concat", graph("sigmoid_concat", both, gaps, initializers=constants), gaps)
    columns = {f"column {index}": (TensorProto.FLOAT, 1) for index in range(FEATURES)}
    joined = [
        helper.make_node("Concat", list(columns), ["all"], axis=1),
        helper.make_node("Gather", ["all", "order"], ["X"], axis=1),
        averaged[0],
    ]
    order = helper.make_tensor("order", TensorProto.INT64, [FEATURES], [4, 3, 2, 1, 0])
    feeds = {name: gaps[:, index : index + 1] for index, name in enumerate(columns)}
    keep("columns", graph("columns", joined, gaps, inputs=columns, initializers=[order]), gaps, **feeds)
    chain()
    version_5(gaps)


def chain():
    """A test for a set of categories as a chain of tests for equality, the true side copied."""
    modes, truth, false, node = [], [], [], 0
    ids = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "missing_value_tracks_true")}
    leaves = []
    for index, category in enumerate([3.0, 0.0, 7.0, 1.0]):
        modes += ["BRANCH_EQ", "LEAF"]
        truth += [node + 1, 0]
        false += [node + 2, 0]
        for key, value in (("treeids", 0), ("featureids", 2), ("values", category), ("missing_value_tracks_true", 0)):
            ids[key] += [value, 0]
        ids["nodeids"] += [node, node + 1]
        leaves.append((node + 1, 10.0 + index))
        node += 2
    modes.append("LEAF")
    truth.append(0)
    false.append(0)
    for key in ids:
        ids[key].append(node if key == "nodeids" else 0)
    leaves.append((node, -1.0))
    operator = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, nodes_modes=modes, nodes_truenodeids=truth,
        nodes_falsenodeids=false, target_treeids=[0] * 5, target_nodeids=[leaf for leaf, _ in leaves], target_ids=[0] * 5,
        target_weights=[weight for _, weight in leaves], **{f"nodes_{key}": value for key, value in ids.items()},
    )  # fmt: skip
    gaps = np.load(HERE / "X_gaps.npy")
    keep("chain", graph("chain", [operator], gaps), gaps)


def version_5(gaps):
    for kind, data in ((TensorProto.FLOAT, gaps), (TensorProto.DOUBLE, gaps.astype(np.float64))):
        name = "v5_float" if kind == TensorProto.FLOAT else "v5_double"
        operator = helper.make_node(
            "TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=2, aggregate_function=1, post_transform=0,
            tree_roots=[0, 3], nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [5], [0, 2, 4, 0, 3]),
            nodes_featureids=[0, 1, 2, 0, 4], nodes_splits=helper.make_tensor("s", kind, [5], [1.5, 0.1, 3, 0, 2.5]),
            nodes_truenodeids=[1, 0, 2, 4, 5], nodes_trueleafs=[0, 1, 1, 1, 1],
            nodes_falsenodeids=[2, 1, 3, 4, 6], nodes_falseleafs=[0, 1, 1, 0, 1],
            nodes_missing_value_tracks_true=[1, 0, 1, 0, 0],
            leaf_targetids=[0, 1, 0, 1, 0, 1, 0], leaf_weights=helper.make_tensor("w", kind, [7], [1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7]),
        )  # fmt: skip
        keep(name, graph(name, [operator], data, domain_version=5), data)
    members = helper.make_node(
        "TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1, post_transform=0, tree_roots=[0],
        nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [3], [0, 6, 6]), nodes_featureids=[0, 1, 2],
        nodes_splits=helper.make_tensor("s", TensorProto.FLOAT, [3], [2.5, 0, 0]),
        membership_values=helper.make_tensor("v", TensorProto.FLOAT, [8], [1, 2, 9, np.nan, 7, 3, 8, np.nan]),
        nodes_truenodeids=[1, 0, 2], nodes_trueleafs=[0, 1, 1], nodes_falsenodeids=[2, 1, 3], nodes_falseleafs=[0, 1, 1],
        leaf_targetids=[0] * 4, leaf_weights=helper.make_tensor("w", TensorProto.FLOAT, [4], [1, 20, 300, 4000]),
    )  # fmt: skip
    keep("v5_members", graph("v5_members", [members], gaps, domain_version=5), gaps)


if __name__ == "__main__":
    save("X.npy", rows)
    save("X64.npy", rows.astype(np.float64) * (1 + 1e-9))
    save("X_whole.npy", whole)
    scikit_learn()
    hand_made()
    print(sum(path.stat().st_size for path in HERE.iterdir()), "bytes", onnx.__version__)
