"""Scores rows as the server does, from the packed sections: what is exported is first compared with what the framework gives."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import platform
from typing import Any, Callable, List, Tuple

import numpy as np

from ._model import (
    ARGMAX,
    EXPONENTIAL,
    IDENTITY,
    ISOLATION,
    LOGISTIC,
    SIGNED_SQUARE,
    SOFTMAX,
    SOFTPLUS,
    STEP,
    TOWARD_ZERO,
    Array,
    Transform,
)
from ._pack import GROUP_TREE_COUNT, Packed

# The magnitude that LightGBM takes for zero.
TINY = np.float32(1e-35)
# Keys of the rows in flight: 64 MiB.
CHUNK_KEY_COUNT = 1 << 24

Function = Callable[[float], float]


def _c_function(name: str, kind: Any, otherwise: Function) -> Function:
    """The C library's own function: bundles are computed with it."""
    try:
        function = getattr(ctypes.CDLL(ctypes.util.find_library("m") or None), name)
    except (OSError, AttributeError, TypeError):
        return otherwise
    function.argtypes, function.restype = [kind], kind
    return function  # type: ignore[no-any-return]


def _or_infinite(function: Function) -> Function:
    def wrapped(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.inf

    return wrapped


exp = _c_function("exp", ctypes.c_double, _or_infinite(math.exp))
exp2 = _c_function("exp2", ctypes.c_double, _or_infinite(lambda value: math.pow(2.0, value)))
log1p = _c_function("log1p", ctypes.c_double, math.log1p)
expf = _c_function("expf", ctypes.c_float, _or_infinite(math.exp))
logf = _c_function("logf", ctypes.c_float, math.log)

#: Whether the frameworks' exponentials and the server's are the same functions.
SHARES_C_LIBRARY = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"


def score(packed: Packed, rows: Array) -> Tuple[Array, Array]:
    """Raw scores and outputs, as float64, of rows in the type that features travel in."""
    raw: List[Array] = [np.zeros((0, packed.ensemble.raw_count))]
    chunk = max(1, CHUNK_KEY_COUNT // packed.slot_count)
    for start in range(0, len(rows), chunk):
        raw.append(_raw(packed, rows[start : start + chunk]))
    sums = np.concatenate(raw)
    return sums, _outputs(sums, packed.ensemble.transform, packed.ensemble.sum_type)


def _raw(packed: Packed, rows: Array) -> Array:
    ensemble = packed.ensemble
    values = rows
    if ensemble.scaler is not None:
        means, scales = ensemble.scaler
        values = (rows.astype(np.float64) - means) / scales
    sums = np.tile(packed.base_margins.astype(ensemble.sum_type), (len(rows), 1))
    if ensemble.weights is not None:
        return _add_weights(values.astype(ensemble.sum_type), ensemble.weights.astype(ensemble.sum_type), sums)
    keys = _keys(packed, values)
    for tree in range(len(ensemble.trees)):
        leaves = packed.leaf_values[_leaves(packed, keys, tree)]
        if ensemble.leaf_width > 1:
            sums += leaves
        else:
            sums[:, packed.tree_outputs[tree]] += leaves[:, 0]
    return sums.astype(np.float64)


def _add_weights(values: Array, weights: Array, sums: Array) -> Array:
    """Feature after feature; a missing one adds nothing."""
    for feature in range(values.shape[1]):
        present = ~np.isnan(values[:, feature])
        sums[present] += values[present, feature, None] * weights[None, :, feature]
    return sums.astype(np.float64)


def _keys(packed: Packed, rows: Array) -> Array:
    ensemble = packed.ensemble
    with np.errstate(over="ignore"):
        rows = rows.astype(ensemble.feature_type)
    keys = np.zeros((len(rows), packed.slot_count), np.uint32)
    start = 0
    for feature in range(ensemble.feature_count):
        column = rows[:, feature]
        end, zero_is_missing = packed.features[feature].tolist()
        is_tiny = np.abs(column) <= TINY
        missing = np.isnan(column) | (is_tiny if zero_is_missing else np.zeros_like(is_tiny))
        ranked = np.where(is_tiny, 0, column).astype(column.dtype) if ensemble.flushes_tiny else column
        ranks = np.searchsorted(packed.thresholds[start:end], ranked, side="right")
        keys[:, 1 + 2 * feature] = np.where(missing, 0, ranks)
        keys[:, 2 + 2 * feature] = np.where(missing, 0xFFFFFFFF, ranks)
        start = end
    for feature, first_slot, slots, first_category, categories, first_word, words, _ in packed.category_features.tolist():
        known = packed.categories[first_category : first_category + categories]
        table = packed.category_words[first_word : first_word + words * (categories + 2)].reshape(categories + 2, words)
        bits = table[_category_rows(rows[:, feature], known, ensemble.category_rule)]
        own = np.arange(slots)
        keys[:, first_slot : first_slot + slots] = bits[:, own // 32] >> (own % 32).astype(np.uint32) & 1
    return keys


def _category_rows(column: Array, known: Array, rule: int) -> Array:
    values = column.astype(np.float64)
    missing = np.isnan(values)
    in_range = (values > -1) & (values < 2.0**31) if rule == TOWARD_ZERO else (values >= 0) & (values < 2.0**24)
    whole = np.where(in_range, values, 0).astype(np.int64)
    place = np.searchsorted(known, whole)
    found = in_range & (place < len(known))
    found[found] = known[place[found]] == whole[found]
    return np.asarray(np.where(missing, 1, np.where(found, place + 2, 0)))


def _leaves(packed: Packed, keys: Array, tree: int) -> Array:
    """The ordinals of the leaves that the rows reach."""
    mask = (1 << packed.slot_bits) - 1
    rows = np.arange(len(keys))
    node = np.full(len(keys), int(packed.roots[tree]), np.int64)
    for _ in range(int(packed.group_depths[tree // GROUP_TREE_COUNT])):
        key, link = packed.nodes[node, 0], packed.nodes[node, 1].astype(np.int64)
        node += (link >> packed.slot_bits) + (keys[rows, link & mask] > key)
    return np.asarray(packed.nodes[node, 0], np.int64)


def _outputs(raw: Array, transform: Transform, sum_type: Any) -> Array:
    x = raw.astype(sum_type)
    if transform.divisor != 1:
        x = x / sum_type(transform.divisor)
    if transform.kind == IDENTITY:
        return np.asarray(x, np.float64)
    if transform.kind == ARGMAX:
        return np.asarray(np.argmax(raw, axis=1), np.float64).reshape(-1, 1)
    if transform.kind == STEP:
        return np.asarray(x > 0, np.float64)
    if transform.kind == SIGNED_SQUARE:
        return np.asarray(np.where(x < 0, -(x * x), x * x))
    if transform.kind == SOFTMAX:
        return _softmax(x, sum_type)
    results = [_output(value, transform, sum_type) for value in x.ravel()]
    return np.array(results, np.float64).reshape(x.shape)


def _softmax(x: Array, sum_type: Any) -> Array:
    function = expf if sum_type is np.float32 else exp
    distances = x - x.max(axis=1, keepdims=True)
    powers = np.array([function(value) for value in distances.ravel()], sum_type).reshape(x.shape)
    total = np.zeros(len(x), np.float64)
    for column in range(x.shape[1]):
        total += powers[:, column]
    return np.asarray(powers / total.astype(sum_type)[:, None], np.float64)


def _output(x: Any, transform: Transform, sum_type: Any) -> float:
    if transform.kind == LOGISTIC and sum_type is np.float32:
        one = np.float32(1)
        power = np.float32(expf(min(-x, np.float32(88.7))))
        return float(one / (power + one + np.float32(1e-16)))
    if transform.kind == LOGISTIC:
        return 1.0 / (1.0 + exp(-transform.scale * float(x)))
    if transform.kind == EXPONENTIAL:
        return float(sum_type((expf if sum_type is np.float32 else exp)(x)))
    if transform.kind == SOFTPLUS:
        return log1p(exp(float(x)))
    assert transform.kind == ISOLATION
    return -exp2(-float(x) / transform.scale) - transform.offset
