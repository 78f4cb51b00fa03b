"""A reader of bundle files written after docs/BUNDLE.md and nothing else: it knows none of the server's code and shares none with the exporter."""

from __future__ import annotations

import bisect
import ctypes
import hashlib
import math
import struct
from typing import Any, Callable, Sequence

import numpy as np

LIBM = ctypes.CDLL("libm.so.6")


def c_function(name: str, kind: Any) -> Callable[[float], float]:
    function = getattr(LIBM, name)
    function.argtypes, function.restype = [kind], kind
    return function  # type: ignore[no-any-return]


expf = c_function("expf", ctypes.c_float)
exp, exp2, log1p = (c_function(name, ctypes.c_double) for name in ("exp", "exp2", "log1p"))
TINY = float(np.float32(1e-35))
SECTIONS = {*range(1, 20), 32}


def text_at(data: bytes, offset: int) -> tuple[str, int]:
    (count,) = struct.unpack_from("<I", data, offset)
    return data[offset + 4 : offset + 4 + count].decode(), offset + 4 + count


def sections_of(data: bytes) -> dict[int, bytes]:
    version, count, total = struct.unpack_from("<IIQ", data, 8)
    assert (data[:8], version, total, data[24:64]) == (b"ASSAYBDL", 2, len(data), bytes(40))
    assert data[-32:] == hashlib.sha256(data[:-32]).digest() and len(data) % 64 == 32
    sections: dict[int, bytes] = {}
    end = 64 + 24 * count
    for index in range(count):
        number, zero, offset, byte_count = struct.unpack_from("<IIQQ", data, 64 + 24 * index)
        assert zero == 0 and offset == (end + 63) // 64 * 64 and data[end:offset] == bytes(offset - end)
        assert number not in sections
        sections[number] = data[offset : offset + byte_count]
        end = offset + byte_count
    assert data[end:-32] == bytes(len(data) - 32 - end) and len(data) - 32 - end < 64
    assert set(sections) == SECTIONS
    return sections


class BundlePage:
    """A bundle read as the page tells it; `score` evaluates one row."""

    def __init__(self, data: bytes) -> None:
        self.sections = sections_of(data)
        self.read_identity(self.sections[1])
        self.features = list(self.read_schema(self.sections[2]))
        self.deciding, zero, self.review, self.decline = struct.unpack("<IIdd", self.sections[3])
        assert zero == 0 and self.review <= self.decline and self.deciding < self.output_count
        self.provenance = dict(self.read_provenance(self.sections[4]))
        self.read_forest()
        self.weights = self.array(19, "<f8", self.raw_count * self.feature_count if self.flags & 4 else 0)
        self.scaler = self.array(32, "<f8", 2 * self.feature_count if self.flags & 8 else 0)
        self.read_golden(self.sections[10])

    def read_identity(self, data: bytes) -> None:
        self.precision, self.feature_precision, self.sum_precision, self.category_rule, self.transform, self.flags = struct.unpack_from("<6H", data)
        (
            self.feature_count, self.raw_count, self.leaf_width, self.tree_count, self.node_count, self.leaf_count, self.threshold_count,
            self.category_feature_count, self.category_count, self.category_word_count, self.category_slot_count,
        ) = struct.unpack_from("<11I", data, 12)
        self.divisor, self.scale, self.offset = struct.unpack_from("<3d", data, 56)
        self.name, offset = text_at(data, 80)
        self.objective, offset = text_at(data, offset)
        assert offset == len(data) and self.flags < 16 and {self.precision, self.feature_precision, self.sum_precision} <= {1, 2}
        self.output_count = 1 if self.transform == 6 else self.raw_count
        slot_count = 1 + 2 * self.feature_count + self.category_slot_count
        self.slot_bits = max(10, (slot_count - 1).bit_length())

    def read_schema(self, data: bytes) -> Any:
        (count,) = struct.unpack_from("<I", data)
        assert count == self.feature_count
        offset = 4
        for _ in range(count):
            kind, may_be_missing, source = struct.unpack_from("<BBH", data, offset)
            name, offset = text_at(data, offset + 4)
            reason, offset = text_at(data, offset)
            assert may_be_missing in (0, 1)
            yield {"name": name, "type": ["float", "integer", "boolean", "categorical"][kind - 1], "missing_allowed": may_be_missing == 1,
                   "source": source, "reason": reason}
        assert offset == len(data)

    @staticmethod
    def read_provenance(data: bytes) -> Any:
        (count,) = struct.unpack_from("<I", data)
        offset = 4
        for _ in range(count):
            key, offset = text_at(data, offset)
            value, offset = text_at(data, offset)
            yield key, value
        assert offset == len(data)

    def array(self, section: int, kind: str, count: int) -> np.ndarray:
        data = self.sections[section]
        assert len(data) == count * np.dtype(kind).itemsize, f"section {section}: {len(data)} bytes for {count} {kind}"
        return np.frombuffer(data, kind)

    def read_forest(self) -> None:
        sum_type = "<f4" if self.sum_precision == 1 else "<f8"
        self.nodes = self.array(5, "<u4", 2 * self.node_count).reshape(-1, 2).tolist()
        padded = (self.tree_count + 7) // 8 * 8
        roots, outputs = self.array(6, "<u4", padded).tolist(), self.array(7, "<u4", padded).tolist()
        assert roots[self.tree_count :] == [self.node_count - 1] * (padded - self.tree_count)
        assert outputs[self.tree_count :] == [0] * (padded - self.tree_count)
        self.roots, self.tree_outputs = roots[: self.tree_count], outputs[: self.tree_count]
        assert self.roots[:1] in ([], [0]) and self.leaf_width in (1, self.raw_count)
        self.group_depths = self.array(8, "<u4", padded // 8).tolist()
        self.base_margins = self.array(9, "<f8", self.raw_count).tolist()
        features = self.array(11, "<u4", 2 * self.feature_count).reshape(-1, 2).tolist()
        thresholds = self.array(12, "<f4" if self.feature_precision == 1 else "<f8", self.threshold_count).astype(float).tolist()
        ends = [end for end, _ in features]
        self.thresholds = [thresholds[start:end] for start, end in zip([0, *ends], ends)]
        assert all(a < b for own in self.thresholds for a, b in zip(own, own[1:])) and ([0, *ends])[-1] == self.threshold_count
        self.zero_is_missing = [flags == 1 for _, flags in features]
        self.leaf_values = self.array(13, sum_type, (self.leaf_count + 1) * self.leaf_width).reshape(-1, self.leaf_width)
        assert self.leaf_values[-1].tobytes() == np.full(self.leaf_width, -0.0, sum_type).tobytes()
        self.leaf_numbers = self.array(14, "<u4", self.leaf_count + 1).tolist()
        self.covers = self.array(15, "<f8", self.node_count if self.flags & 2 else 0)
        assert self.nodes[-1] == [self.leaf_count, 0] and self.leaf_numbers[-1] == 0
        assert [key for key, link in self.nodes if link == 0] == list(range(self.leaf_count + 1))
        self.category_features = self.array(16, "<u4", 8 * self.category_feature_count).reshape(-1, 8).tolist()
        self.categories = self.array(17, "<u4", self.category_count).tolist()
        self.category_words = self.array(18, "<u4", self.category_word_count).tolist()
        slot, category, word = 1 + 2 * self.feature_count, 0, 0
        for _, first_slot, slots, first_category, categories, first_word, words, zero in self.category_features:
            assert (first_slot, first_category, first_word, words, zero) == (slot, category, word, (slots + 31) // 32, 0)
            slot, category, word = slot + slots, category + categories, word + words * (categories + 2)
        assert (slot, category, word) == (1 + 2 * self.feature_count + self.category_slot_count, self.category_count, self.category_word_count)

    def read_golden(self, data: bytes) -> None:
        count, zero, self.raw_tolerance, self.output_tolerance = struct.unpack_from("<IIdd", data)
        kind = np.dtype("<f4" if self.precision == 1 else "<f8")
        end = 24 + count * self.feature_count * kind.itemsize
        start = (end + 7) // 8 * 8
        assert zero == 0 and data[end:start] == bytes(start - end)
        assert len(data) == start + 8 * count * (self.raw_count + self.output_count)
        self.rows = np.frombuffer(data[24:end], kind).reshape(count, self.feature_count)
        results = np.frombuffer(data[start:], "<f8")
        self.golden_raw = results[: count * self.raw_count].reshape(count, self.raw_count)
        self.golden_outputs = results[count * self.raw_count :].reshape(count, self.output_count)

    # -- One row

    def rounded(self, value: float, precision: int) -> float:
        with np.errstate(over="ignore"):
            return float(np.float32(value)) if precision == 1 else value

    def keys(self, row: Sequence[float]) -> list[int]:
        keys = [0]
        for feature, value in enumerate(row):
            is_tiny = abs(value) <= TINY
            rank = bisect.bisect_right(self.thresholds[feature], 0.0 if self.flags & 1 and is_tiny else value)
            is_missing = math.isnan(value) or (is_tiny and self.zero_is_missing[feature])
            keys += [0, 0xFFFFFFFF] if is_missing else [rank, rank]
        for feature, _, slots, first_category, categories, first_word, words, _ in self.category_features:
            start = first_word + words * self.category_row(row[feature], self.categories[first_category : first_category + categories])
            bits = self.category_words[start : start + words]
            keys += [bits[slot // 32] >> slot % 32 & 1 for slot in range(slots)]
        return keys

    def category_row(self, value: float, categories: list[int]) -> int:
        if math.isnan(value):
            return 1
        is_category = 0 <= value < 2**24 if self.category_rule == 1 else -1 < value < 2**31
        return 2 + categories.index(int(value)) if is_category and int(value) in categories else 0

    def leaves(self, row: Sequence[float]) -> list[int]:
        """The ordinals of the leaves of all trees."""
        keys = self.keys([self.rounded(float(value), self.feature_precision) for value in row])
        mask = (1 << self.slot_bits) - 1
        ordinals = []
        for root in self.roots:
            node = root
            while True:
                key, link = self.nodes[node]
                if link == 0:
                    ordinals.append(key)
                    break
                node += (link >> self.slot_bits) + (keys[link & mask] > key)
        return ordinals

    def score(self, row: Sequence[float]) -> tuple[list[float], list[float]]:
        """Raw scores and outputs of one row in the bundle's precision."""
        values = [float(value) for value in row]
        if self.flags & 8:
            means, scales = self.scaler[: self.feature_count], self.scaler[self.feature_count :]
            values = [float((np.float64(value) - mean) / scale) for value, mean, scale in zip(values, means, scales)]
        raw = [float(value) for value in (self.linear(values) if self.flags & 4 else self.sums(values))]
        return raw, self.outputs(raw)

    def number(self, value: float) -> Any:
        return np.float32(value) if self.sum_precision == 1 else np.float64(value)

    def linear(self, row: list[float]) -> list[Any]:
        weights = self.weights.reshape(self.raw_count, self.feature_count)
        totals = [self.number(margin) for margin in self.base_margins]
        for output in range(self.raw_count):
            for value, weight in zip(row, weights[output]):
                if not math.isnan(value):
                    totals[output] = totals[output] + self.number(value) * self.number(weight)
        return totals

    def sums(self, row: list[float]) -> list[Any]:
        totals = [self.number(margin) for margin in self.base_margins]
        for tree, leaf in enumerate(self.leaves(row)):
            for column, value in enumerate(self.leaf_values[leaf]):
                place = column if self.leaf_width > 1 else self.tree_outputs[tree]
                totals[place] = totals[place] + value
        return totals

    def outputs(self, raw: list[float]) -> list[float]:
        one = self.number
        x = [one(value) if self.divisor == 1 else one(value) / one(self.divisor) for value in raw]
        if self.transform == 6:
            return [float(raw.index(max(raw)))]
        if self.transform == 5:
            powers = [(expf if self.sum_precision == 1 else exp)(value - max(x)) for value in x]
            total = 0.0
            for power in powers:
                total += power
            return [float(one(power) / one(total)) for power in powers]
        return [float(self.output(value)) for value in x]

    def output(self, x: Any) -> Any:
        one = np.float32(1)
        if self.transform == 1:
            return x
        if self.transform == 2:
            if self.sum_precision == 1:
                return one / (np.float32(expf(min(-x, np.float32(88.7)))) + one + np.float32(1e-16))
            with np.errstate(over="ignore"):
                return 1 / (1 + exp(-self.scale * x))
        if self.transform == 3:
            return expf(x) if self.sum_precision == 1 else exp(x)
        if self.transform == 4:
            return 1.0 if x > 0 else 0.0
        assert self.sum_precision == 2
        if self.transform == 7:
            return log1p(exp(x))
        if self.transform == 8:
            return -(x * x) if x < 0 else x * x
        assert self.transform == 9
        return -exp2(-x / self.scale) - self.offset

    def check_golden(self, limit: int | None = None) -> int:
        """Scores the golden rows and compares them as admission does; returns how many."""
        for row, raw, outputs in list(zip(self.rows, self.golden_raw, self.golden_outputs))[:limit]:
            got_raw, got_outputs = self.score(row)
            for got, expected, tolerance in ((got_raw, raw, self.raw_tolerance), (got_outputs, outputs, self.output_tolerance)):
                for result, reference in zip(got, expected, strict=True):
                    is_close = tolerance > 0 and abs(result - reference) <= tolerance * max(1, abs(reference))
                    assert is_close or struct.pack("<d", result) == struct.pack("<d", reference), (row, result, reference)
        return len(self.rows[:limit])
