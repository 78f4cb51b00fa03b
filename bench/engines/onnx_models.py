"""ONNX graphs for ONNX Runtime: input `X` [rows, features] float32, output `score`.

Boosted trees and one form of the Isolation Forest are written here as a single tree-ensemble node (the least an ONNX model of them can
cost); the random forest and the other form of the Isolation Forest are what skl2onnx makes of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

ML_OPSET = 5
LESS_OR_EQUAL, LESS, MEMBER = 0, 1, 6


@dataclass
class Forest:
    """The attributes of `ai.onnx.ml.TreeEnsemble`: nodes and leaves in separate arrays, referring to each other by index."""

    features: list[int] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)  # true, true is a leaf, false, false is a leaf
    members: list[float] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def leaf(self, value: float) -> tuple[int, int]:
        self.leaves.append(value)
        return len(self.leaves) - 1, 1

    def node(self, feature: int, mode: int, split: float, missing_true: bool) -> int:
        self.features.append(feature)
        self.modes.append(mode)
        self.splits.append(split)
        self.missing_true.append(int(missing_true))
        self.children.append([0, 0, 0, 0])
        return len(self.features) - 1

    def close(self, node: int, true: tuple[int, int], false: tuple[int, int]) -> tuple[int, int]:
        self.children[node] = [*true, *false]
        return node, 0

    def as_node(self) -> onnx.NodeProto:
        true, true_leaf, false, false_leaf = (list(column) for column in zip(*self.children))
        count = len(self.features)
        members = {}
        if self.members:
            members["membership_values"] = helper.make_tensor("members", TensorProto.FLOAT, [len(self.members)], self.members)
        return helper.make_node(
            "TreeEnsemble", ["X"], ["sum"], domain="ai.onnx.ml", n_targets=1, post_transform=0, aggregate_function=1,
            nodes_featureids=self.features, nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [count], self.modes),
            nodes_splits=helper.make_tensor("splits", TensorProto.FLOAT, [count], self.splits),
            nodes_missing_value_tracks_true=self.missing_true, nodes_truenodeids=true, nodes_trueleafs=true_leaf,
            nodes_falsenodeids=false, nodes_falseleafs=false_leaf, tree_roots=self.roots, leaf_targetids=[0] * len(self.leaves),
            leaf_weights=helper.make_tensor("weights", TensorProto.FLOAT, [len(self.leaves)], self.leaves), **members)


def float_below(value: float) -> float:
    """The largest float32 not above `value`: a float32 is <= the one exactly if it is <= the other."""
    with np.errstate(over="ignore"):  # LightGBM's largest threshold is 1e300: the largest float32 does
        rounded = np.float32(value)
    return float(rounded if float(rounded) <= value else np.nextafter(rounded, np.float32(-np.inf)))


def save(path: Path, feature_count: int, nodes: list[onnx.NodeProto], constants: dict[str, float]) -> None:
    graph = helper.make_graph(
        nodes, "forest", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, feature_count])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in constants.items()])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def from_xgboost(model: Path, path: Path) -> None:
    """A binary classifier: TreeEnsembleClassifier with the base margin, as converters write it."""
    learner = json.loads(model.read_text())["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    columns: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids",
                                                           "falsenodeids", "missing_value_tracks_true")}
    weights: dict[str, list[Any]] = {"treeids": [], "nodeids": [], "weights": []}
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            leaf = left == -1
            values = [number, node, 0 if leaf else tree["split_indices"][node], 0.0 if leaf else tree["split_conditions"][node],
                      b"LEAF" if leaf else b"BRANCH_LT", 0 if leaf else left, 0 if leaf else tree["right_children"][node],
                      0 if leaf else tree["default_left"][node]]
            for column, value in zip(columns.values(), values):
                column.append(value)
            if leaf:
                for column, value in zip(weights.values(), [number, node, tree["split_conditions"][node]]):
                    column.append(value)
    attributes = {f"nodes_{name}": column for name, column in columns.items()}
    attributes |= {f"class_{name}": column for name, column in weights.items()}
    node = helper.make_node(
        "TreeEnsembleClassifier", ["X"], ["label", "score"], domain="ai.onnx.ml", post_transform="LOGISTIC",
        base_values=[float(np.log(base / (1 - base)))], classlabels_int64s=[0, 1], class_ids=[0] * len(weights["weights"]), **attributes)
    graph = helper.make_graph(
        [node], "forest",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, int(learner["learner_model_param"]["num_feature"])])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 2])])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def add_lightgbm(forest: Forest, node: dict[str, Any]) -> tuple[int, int]:
    if "leaf_value" in node:
        return forest.leaf(node["leaf_value"])
    if node["decision_type"] == "==":
        index = forest.node(node["split_feature"], MEMBER, 0.0, False)
        forest.members += [float(category) for category in node["threshold"].split("||")] + [float("nan")]
    else:
        # Without a missing type, NaN is scored as zero.
        missing_left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        index = forest.node(node["split_feature"], LESS_OR_EQUAL, float_below(node["threshold"]), missing_left)
    true = add_lightgbm(forest, node["left_child"])
    return forest.close(index, true, add_lightgbm(forest, node["right_child"]))


def from_lightgbm(model: Path, path: Path) -> None:
    import lightgbm

    dump = lightgbm.Booster(model_file=model).dump_model()
    forest = Forest()
    for tree in dump["tree_info"]:
        forest.roots.append(len(forest.features))
        add_lightgbm(forest, tree["tree_structure"])
    save(path, dump["max_feature_idx"] + 1, [forest.as_node(), helper.make_node("Sigmoid", ["sum"], ["score"])], {})


def path_length(sample_count: np.ndarray) -> np.ndarray:
    """The mean depth of an isolation tree over so many samples (scikit-learn's correction for a leaf that was not split further)."""
    count = np.asarray(sample_count, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        length = 2 * (np.log(count - 1) + np.euler_gamma) - 2 * (count - 1) / count
    return np.where(count <= 1, 0.0, np.where(count == 2, 1.0, length))


def add_isolation_tree(forest: Forest, tree: Any, node: int, depth: int) -> tuple[int, int]:
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return forest.leaf(depth + float(path_length(tree.n_node_samples[node])))
    index = forest.node(int(tree.feature[node]), LESS_OR_EQUAL, float_below(tree.threshold[node]), False)
    true = add_isolation_tree(forest, tree, left, depth + 1)
    return forest.close(index, true, add_isolation_tree(forest, tree, right, depth + 1))


def from_isolation_forest(estimator: Any, path: Path) -> None:
    """score = -2 ** (sum / -(trees * c(samples)))"""
    forest = Forest()
    for tree in estimator.estimators_:
        forest.roots.append(len(forest.features))
        add_isolation_tree(forest, tree.tree_, 0, 0)
    scale = len(estimator.estimators_) * float(path_length(estimator.max_samples_))
    save(path, estimator.n_features_in_, [
        forest.as_node(), helper.make_node("Mul", ["sum", "scale"], ["exponent"]),
        helper.make_node("Pow", ["two", "exponent"], ["power"]), helper.make_node("Neg", ["power"], ["score"]),
    ], {"scale": -1 / scale, "two": 2.0})


def from_skl2onnx(estimator: Any, output: str, options: dict[str, Any], path: Path) -> None:
    """What skl2onnx writes, with `output` as the only one."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    model = skl2onnx.convert_sklearn(estimator, initial_types=[("X", FloatTensorType([None, estimator.n_features_in_]))],
                                     options={id(estimator): options}, target_opset={"": 21, "ai.onnx.ml": 3})
    graph = model.graph
    kept = [value for value in graph.output if value.name == output]
    for value in kept:
        value.name = "score"
    for node in graph.node:
        node.output[:] = ["score" if name == output else name for name in node.output]
        node.input[:] = ["score" if name == output else name for name in node.input]
    del graph.output[:]
    graph.output.extend(kept)
    onnx.save(model, path)
