"""Lays a model out as the sections of a bundle: ranks for thresholds, bits for categories, level order for nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

import numpy as np

from ..exporter import ExportError
from ._model import Array, Ensemble, Tree

FEATURE_COUNT_MAX = 8192
SLOT_COUNT_MAX = 1 << 16
RAW_COUNT_MAX = 1024
TREE_COUNT_MAX = 1 << 20
NODE_COUNT_MAX = 1 << 28
DEPTH_MAX = 255
CATEGORY_MAX = (1 << 31) - 1
CATEGORY_WORD_COUNT_MAX = 1 << 26

GROUP_TREE_COUNT = 8

Set = Tuple[Tuple[int, ...], bool]


@dataclass
class Packed:
    """The arrays of a forest's sections, by docs/BUNDLE.md."""

    ensemble: Ensemble
    slot_bits: int
    nodes: Array
    roots: Array
    tree_outputs: Array
    group_depths: Array
    base_margins: Array
    features: Array
    thresholds: Array
    leaf_values: Array
    leaf_numbers: Array
    covers: Array
    category_features: Array
    categories: Array
    category_words: Array

    @property
    def category_slot_count(self) -> int:
        return int(self.category_features[:, 2].sum())

    @property
    def slot_count(self) -> int:
        return 1 + 2 * self.ensemble.feature_count + self.category_slot_count

    @property
    def steps_per_row(self) -> int:
        """What admission counts for a golden row."""
        weights = 0 if self.ensemble.weights is None else self.ensemble.weights.size
        return GROUP_TREE_COUNT * int(self.group_depths.sum()) + int(weights) + self.slot_count


class _Splits:
    """All splits of the forest, in the order of their nodes."""

    def __init__(self) -> None:
        self.places: List[Array] = []
        self.distances: List[Array] = []
        self.features: List[Array] = []
        self.thresholds: List[Array] = []
        self.missing_left: List[Array] = []
        #: By the number of the split.
        self.sets: Dict[int, Tuple[int, ...]] = {}
        self.count = 0

    def append(self, tree: Tree, nodes: Array, place: Array) -> None:
        self.places.append(place[nodes])
        self.distances.append(place[tree.left[nodes]] - place[nodes])
        self.features.append(tree.feature[nodes])
        # Adding zero makes -0 and +0, which compare equal, the same.
        self.thresholds.append(tree.threshold[nodes] + 0.0)
        self.missing_left.append(tree.missing_left[nodes])
        if tree.categories:
            for number, node in enumerate(nodes.tolist()):
                if node in tree.categories:
                    self.sets[self.count + number] = tree.categories[node]
        self.count += len(nodes)


def pack(ensemble: Ensemble) -> Packed:
    """
    :raises ExportError: where the model is beyond a limit of bundles, or its trees are malformed.
    """
    _check_limits(ensemble)
    splits = _Splits()
    roots, outputs, depths = [], [], []
    values, numbers, covers = [], [], []
    leaf_places: List[Array] = []
    has_covers = bool(ensemble.trees) and all(tree.covers is not None for tree in ensemble.trees)
    node_count = 0
    for index, tree in enumerate(ensemble.trees):
        order, depth = _level_order(tree, index)
        place = np.zeros(len(tree.left), np.int64)
        place[order] = node_count + np.arange(len(order))
        is_leaf = tree.left[order] < 0
        leaves = order[is_leaf]
        splits.append(tree, order[~is_leaf], place)
        leaf_places.append(place[leaves])
        values.append(tree.values[leaves])
        numbers.append(leaves if tree.numbers is None else tree.numbers[leaves])
        if has_covers and tree.covers is not None:
            covers.append(tree.covers[order])
        roots.append(node_count)
        outputs.append(tree.output)
        depths.append(depth)
        node_count += len(order)
        if node_count >= NODE_COUNT_MAX:
            raise ExportError(f"more than {NODE_COUNT_MAX} nodes")

    width = ensemble.leaf_width
    leaf_values = np.concatenate([*values, np.full((1, width), -0.0)]).astype(ensemble.sum_type)
    if not np.isfinite(leaf_values).all():
        raise ExportError("a leaf is not finite")
    leaf_count = len(leaf_values) - 1
    nodes = np.zeros((node_count + 1, 2), np.uint32)
    nodes[np.concatenate([*leaf_places, np.array([node_count])]), 0] = np.arange(leaf_count + 1)
    padding = -len(roots) % GROUP_TREE_COUNT
    groups = range(0, len(depths), GROUP_TREE_COUNT)
    packed = Packed(
        ensemble=ensemble,
        slot_bits=0,
        nodes=nodes,
        roots=np.array(roots + [node_count] * padding, np.uint32),
        tree_outputs=np.array(outputs + [0] * padding, np.uint32),
        group_depths=np.array([max(depths[start : start + GROUP_TREE_COUNT]) for start in groups], np.uint32),
        base_margins=np.array(ensemble.base_margins, np.float64),
        features=np.zeros((ensemble.feature_count, 2), np.uint32),
        thresholds=np.zeros(0, ensemble.feature_type),
        leaf_values=leaf_values,
        leaf_numbers=np.concatenate([*numbers, np.array([0])]).astype(np.uint32),
        covers=np.concatenate([*covers, np.array([0.0])]).astype(np.float64) if has_covers else np.zeros(0, np.float64),
        category_features=np.zeros((0, 8), np.uint32),
        categories=np.zeros(0, np.uint32),
        category_words=np.zeros(0, np.uint32),
    )
    _link(packed, splits)
    return packed


def _check_limits(ensemble: Ensemble) -> None:
    for what, count, least, most in (
        ("features", ensemble.feature_count, 1, FEATURE_COUNT_MAX),
        ("raw scores", ensemble.raw_count, 1, RAW_COUNT_MAX),
        ("trees", len(ensemble.trees), 0, TREE_COUNT_MAX),
    ):
        if not least <= count <= most:
            raise ExportError(f"{count} {what}; a bundle has {least} to {most}")
    if not np.isfinite(np.array(ensemble.base_margins, np.float64)).all():
        raise ExportError("the model's base score is not finite")


def _level_order(tree: Tree, index: int) -> Tuple[Array, int]:
    """The nodes that the root reaches, level after level, siblings side by side; and the depth."""
    level = np.zeros(1, np.int64)
    levels = [level]
    count = 1
    while True:
        inner = level[tree.left[level] >= 0]
        if len(inner) == 0:
            break
        level = np.column_stack((tree.left[inner], tree.right[inner])).ravel().astype(np.int64)
        count += len(level)
        if count > len(tree.left):
            raise ExportError(f"tree {index}: a node is the child of several")
        if len(levels) > DEPTH_MAX:
            raise ExportError(f"tree {index} is deeper than {DEPTH_MAX}")
        levels.append(level)
    return np.concatenate(levels), len(levels) - 1


def _link(packed: Packed, splits: _Splits) -> None:
    """Numbers thresholds and category sets, and writes the splits."""
    if splits.count == 0:
        packed.slot_bits = _slot_bits(packed)
        return
    place, distance, feature, missing_left = (
        np.concatenate(parts).astype(np.int64) for parts in (splits.places, splits.distances, splits.features, splits.missing_left)
    )
    threshold = np.concatenate(splits.thresholds).astype(np.float64)
    if feature.min() < 0 or feature.max() >= packed.ensemble.feature_count:
        raise ExportError("a tree tests a feature that the model does not have")
    is_set = np.zeros(splits.count, np.bool_)
    is_set[list(splits.sets)] = True
    key = np.zeros(splits.count, np.int64)
    slot = 2 + 2 * feature - missing_left
    key[~is_set] = _rank_thresholds(packed, feature[~is_set], threshold[~is_set])
    slots = _number_sets(packed, splits.sets, feature, missing_left)
    for split, own in slots.items():
        slot[split] = own
    packed.slot_bits = _slot_bits(packed)
    limit = (1 << (32 - packed.slot_bits)) - 1
    if distance.max() > limit:
        raise ExportError(f"a level of a tree has more than {limit} nodes, too many for {packed.ensemble.feature_count} features")
    packed.nodes[place, 0] = key
    packed.nodes[place, 1] = distance << packed.slot_bits | slot


def _slot_bits(packed: Packed) -> int:
    if packed.slot_count > SLOT_COUNT_MAX:
        raise ExportError(f"{packed.slot_count} slots for features and category sets; a bundle has at most {SLOT_COUNT_MAX}")
    return max(10, (packed.slot_count - 1).bit_length())


def _rank_thresholds(packed: Packed, feature: Array, threshold: Array) -> Array:
    """Stores each feature's distinct thresholds, ascending; returns the index of each split's among them."""
    stored = threshold.astype(packed.ensemble.feature_type)
    if not (np.isfinite(threshold).all() and (stored == threshold).all()):
        raise ExportError("a threshold is not finite in the precision that features are compared in")
    order = np.lexsort((threshold, feature))
    sorted_feature, sorted_threshold = feature[order], threshold[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (sorted_feature[1:] != sorted_feature[:-1]) | (sorted_threshold[1:] != sorted_threshold[:-1])
    index = np.zeros(len(order), np.int64)
    index[order] = np.cumsum(is_new) - 1
    counts = np.bincount(sorted_feature[is_new], minlength=packed.ensemble.feature_count)
    ends = np.cumsum(counts)
    packed.thresholds = stored[order][is_new]
    packed.features[:, 0] = ends
    for zero in packed.ensemble.zero_is_missing:
        packed.features[zero, 1] = 1
    return index - (ends - counts)[feature]


def _number_sets(packed: Packed, sets: Dict[int, Tuple[int, ...]], feature: Array, missing_left: Array) -> Dict[int, int]:
    """Gives each distinct set a slot, in the order of their nodes within a feature; returns the slot of each split."""
    own: Dict[int, Dict[Set, int]] = {}
    for split in sorted(sets):
        distinct = own.setdefault(int(feature[split]), {})
        distinct.setdefault((sets[split], bool(missing_left[split])), len(distinct))
    slot = 1 + 2 * packed.ensemble.feature_count
    entries: List[List[int]] = []
    categories: List[int] = []
    words: List[Array] = []
    word_count = 0
    first_slots: Dict[int, int] = {}
    for tested in sorted(own):
        known = sorted({category for members, _ in own[tested] for category in members})
        if known and not 0 <= known[0] <= known[-1] <= CATEGORY_MAX:
            raise ExportError(f"feature {tested} has a category that is not from 0 to {CATEGORY_MAX}")
        width = (len(own[tested]) + 31) // 32
        rows = _bits(own[tested], known, width)
        entries.append([tested, slot, len(own[tested]), len(categories), len(known), word_count, width, 0])
        first_slots[tested] = slot
        slot += len(own[tested])
        categories += known
        words.append(rows)
        word_count += rows.size
        if word_count > CATEGORY_WORD_COUNT_MAX:
            raise ExportError(f"category sets take more than {CATEGORY_WORD_COUNT_MAX} words of bits")
    if entries:
        packed.category_features = np.array(entries, np.uint32)
        packed.categories = np.array(categories, np.uint32)
        packed.category_words = np.concatenate([rows.ravel() for rows in words])
    return {
        split: first_slots[int(feature[split])] + own[int(feature[split])][sets[split], bool(missing_left[split])] for split in sets
    }


def _bits(sets: Dict[Set, int], known: List[int], width: int) -> Array:
    """`[2 + categories, width]`: a value in no set, a missing one, each category."""
    row_of = {category: 2 + index for index, category in enumerate(known)}
    rows = np.zeros((2 + len(known), width), np.uint32)
    for (members, missing_goes_left), index in sets.items():
        reached = [row_of[category] for category in members] + ([] if missing_goes_left else [1])
        rows[reached, index // 32] |= np.uint32(1 << index % 32)
    return rows
