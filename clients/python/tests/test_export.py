"""What of `assay.export` needs no framework: layout, rows, schemas, limits. Tests/EndToEnd/test_export.py has the frameworks."""

from __future__ import annotations

import hashlib
import json
import math
import pathlib
import struct
import subprocess
import sys
from typing import Any, Dict, List, Optional, Sequence

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

import assay  # noqa: E402
from assay import _export  # noqa: E402
from assay._export import _common, _file, _lightgbm, _model, _pack, _rows, _schema, _score, _ubjson  # noqa: E402
from assay._export._catalogue import SOURCES  # noqa: E402

NAN = math.nan


def stump(feature: int, threshold: float, left: float, right: float, missing_left: bool = True, output: int = 0) -> _model.Tree:
    return _model.Tree(
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        feature=np.array([feature, 0, 0]),
        threshold=np.array([threshold, 0.0, 0.0]),
        missing_left=np.array([missing_left, False, False]),
        values=np.array([[0.0], [left], [right]]),
        output=output,
        covers=np.array([10.0, 4.0, 6.0]),
    )


def category_stump(feature: int, categories: Sequence[int], left: float, right: float, missing_left: bool = True) -> _model.Tree:
    tree = stump(feature, 0.0, left, right, missing_left)
    tree.categories[0] = tuple(categories)
    return tree


def ensemble(*trees: _model.Tree, features: int = 2, **more: Any) -> _model.Ensemble:
    return _model.Ensemble(features, [0.5], _model.Transform(), list(trees), **more)


def raw(model: _model.Ensemble, *rows: Sequence[float]) -> List[float]:
    scores, _ = _score.score(_pack.pack(model), np.array(rows, model.travel_type))
    return [float(score) for score in scores[:, 0]]


# -- Layout


def test_thresholds_become_ranks_and_nodes_follow_their_level() -> None:
    packed = _pack.pack(ensemble(stump(1, 2.0, 1, 2), stump(1, -1.0, 4, 8, missing_left=False), stump(0, 2.0, 16, 32)))
    assert packed.thresholds.tolist() == [2.0, -1.0, 2.0] and packed.features.tolist() == [[1, 0], [3, 0]]
    slots = [int(link) & 1023 for _, link in packed.nodes.tolist()]
    assert slots == [3, 0, 0, 4, 0, 0, 1, 0, 0, 0]
    assert [link >> 10 for _, link in packed.nodes.tolist()] == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0]
    assert packed.nodes[:, 0].tolist() == [1, 0, 1, 0, 2, 3, 0, 4, 5, 6]
    assert packed.roots.tolist() == [0, 3, 6] + [9] * 5 and packed.group_depths.tolist() == [1]
    assert packed.leaf_values.tolist() == [[1.0], [2.0], [4.0], [8.0], [16.0], [32.0], [-0.0]]
    assert math.copysign(1, packed.leaf_values[-1, 0]) == -1 and packed.covers.tolist() == [10, 4, 6] * 3 + [0]


def test_rows_go_where_thresholds_and_missing_directions_say() -> None:
    model = ensemble(stump(0, 2.0, 1, 2), stump(0, 2.0, 10, 20, missing_left=False), stump(0, -0.0, 100, 200))
    assert raw(model, [2.0, 0], [np.nextafter(np.float32(2), np.float32(0)), 0], [NAN, 0], [-0.0, 0], [-1, 0]) == [
        222.5, 211.5, 121.5, 211.5, 111.5,
    ]  # fmt: skip


def test_sums_are_rounded_tree_by_tree_in_their_precision() -> None:
    trees = [stump(0, 0.0, 0.1, 0.1) for _ in range(10)]
    total = np.float32(0.5)
    for _ in range(10):
        total += np.float32(0.1)
    assert raw(ensemble(*trees), [1, 1]) == [float(total)]
    assert raw(ensemble(*trees, feature_type=np.float64, sum_type=np.float64), [1, 1]) == [sum([0.1] * 10, 0.5)]


def test_equal_sets_of_categories_share_a_slot() -> None:
    trees = [
        category_stump(1, [2, 40], 1, 2),
        category_stump(1, [2, 40], 10, 20),
        category_stump(1, [2, 40], 100, 200, missing_left=False),
        category_stump(1, [0], 1000, 2000),
    ]
    model = ensemble(*trees)
    packed = _pack.pack(model)
    assert packed.category_features.tolist() == [[1, 5, 3, 0, 3, 0, 1, 0]]
    assert packed.categories.tolist() == [0, 2, 40] and packed.category_words.tolist() == [0, 0b010, 0b100, 0b011, 0b011]
    rows = [[0, 2.0], [0, 40.9], [0, 0.0], [0, -0.5], [0, NAN], [0, 3.0], [0, 2.0**24]]
    member, zero, none, missing = 1222.5, 2111.5, 1111.5, 1211.5
    assert raw(model, *rows) == [member, member, zero, none, missing, none, none]
    model.category_rule = _model.TOWARD_ZERO
    assert raw(model, [0, -0.5], [0, -1.0]) == [zero, none]


def test_more_than_32_sets_take_a_second_word() -> None:
    trees = [category_stump(0, [index], 0, 2.0**index) for index in range(40)]
    model = ensemble(*trees, sum_type=np.float64)
    packed = _pack.pack(model)
    assert packed.category_features.tolist() == [[0, 5, 40, 0, 40, 0, 2, 0]] and len(packed.category_words) == 84
    assert raw(model, [35, 0], [3, 0], [40, 0]) == [2.0**35 + 0.5, 8.5, 0.5]


def test_a_split_for_missing_values_alone_takes_the_empty_set() -> None:
    tree = stump(0, math.inf, 1, 2, missing_left=False)
    tree.test_nothing_but_missing(0)
    model = ensemble(tree, feature_type=np.float64)
    assert raw(model, [1.7e308, 0], [-5, 0], [NAN, 0]) == [1.5, 1.5, 2.5]
    assert _pack.pack(model).category_words.tolist() == [0, 1]


def test_tiny_values_are_zero_and_zero_may_be_missing() -> None:
    tree = stump(0, 1e-40, 1, 2, missing_left=False)
    model = ensemble(tree, feature_type=np.float64, sum_type=np.float64)
    assert raw(model, [1e-36, 0], [0, 0]) == [2.5, 1.5]
    model.flushes_tiny = True
    assert raw(model, [1e-36, 0], [-1e-36, 0], [1.1e-35, 0]) == [1.5, 1.5, 2.5]
    model.zero_is_missing = frozenset([0])
    assert raw(model, [1e-36, 0], [0, 0], [-1, 0], [NAN, 0]) == [2.5, 2.5, 1.5, 2.5]


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_at_most_becomes_below_the_next_number(kind: str) -> None:
    kinds: Dict[str, Any] = {"float32": np.float32, "float64": np.float64}
    number = kinds[kind]
    thresholds = np.array([0.1, -0.1, 0.0, -0.0, 1e-50, -1e-50, 1.0, 16777217.0, 1e30])
    below = _common.below(thresholds, number)
    assert (below == below.astype(number)).all()
    for threshold, limit in zip(thresholds.tolist(), below.tolist()):
        nearest = number(threshold)
        for value in (nearest, np.nextafter(nearest, number(-math.inf)), np.nextafter(nearest, number(math.inf)), number(0)):
            assert (float(value) <= threshold) == (float(value) < limit), (threshold, value)
    assert _common.below(np.array([3.4028234663852886e38, math.inf]), np.float32).tolist() == [math.inf, math.inf]


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda model: model.trees[0].left.__setitem__(0, 2), "child of several"),
        (lambda model: model.trees[0].feature.__setitem__(0, 7), "feature that the model does not have"),
        (lambda model: model.trees[0].threshold.__setitem__(0, 0.1), "precision that features are compared in"),
        (lambda model: model.trees[0].values.__setitem__((1, 0), math.inf), "leaf is not finite"),
        (lambda model: model.base_margins.__setitem__(0, NAN), "base score"),
        (lambda model: setattr(model, "feature_count", 8193), "8193 features"),
        (lambda model: model.trees[0].categories.__setitem__(0, (1 << 31,)), "category"),
    ],
)
def test_what_a_bundle_cannot_hold_is_refused(change: Any, told: str) -> None:
    model = ensemble(stump(0, 1.0, 1, 2))
    # The same child twice, and what it leads to twice: more nodes than there are.
    model.trees[0].left[1:] = -1
    change(model)
    if "several" in told:
        model.trees[0].left[2], model.trees[0].right[2] = 0, 0
    with pytest.raises(assay.ExportError, match=told):
        _pack.pack(model)


def test_deeper_than_255_is_refused() -> None:
    count = 300
    left = np.array([-1 if node % 2 or node == 2 * count else node + 1 for node in range(2 * count + 1)])
    chain = _model.Tree(
        left=left, right=np.where(left < 0, -1, left + 1), feature=np.zeros(len(left), int), threshold=np.zeros(len(left)),
        missing_left=np.zeros(len(left), bool), values=np.zeros((len(left), 1)),
    )  # fmt: skip
    with pytest.raises(assay.ExportError, match="deeper than 255"):
        _pack.pack(ensemble(chain))


# -- The file


class Whole:
    """A framework's reader in little: two stumps and what their model is said to give."""

    def __init__(self, *, wrong: float = 0.0) -> None:
        self.wrong = wrong

    def read(self, model: Any, rows: _rows.Rows) -> _model.Model:
        def predict(taken: Any, numbers: Any) -> _model.Golden:
            first, second = (np.where(np.isnan(numbers[:, 0]), 1.0, np.where(numbers[:, 0] < 1, 1.0, 2.0)), 0.5)
            results = (first + second + self.wrong).reshape(-1, 1)
            return _model.Golden(results, results)

        return _model.Model(ensemble(stump(0, 1.0, 1, 2)), "made", _model.PROBABILITY, [("source.format", "made")], predict)


def written(monkeypatch: pytest.MonkeyPatch, X: Any, wrong: float = 0.0, **options: Any) -> assay.ExportedBundle:
    monkeypatch.setattr(_export, "_read", Whole(wrong=wrong).read)
    return assay.export(object(), X, **{"name": "made", **options})


def sections(data: bytes) -> Dict[int, bytes]:
    count = struct.unpack_from("<I", data, 12)[0]
    entries = [struct.unpack_from("<IIQQ", data, 64 + 24 * index) for index in range(count)]
    return {number: data[offset : offset + size] for number, _, offset, size in entries}


X = [[0.0, 1.0], [1.0, 2.0], [None, 3.0], [2.5, None]]


def test_the_file_is_whole_and_the_same_every_time(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    bundle = written(monkeypatch, X, path=tmp_path / "made.assay")
    assert (tmp_path / "made.assay").read_bytes() == bundle.data == written(monkeypatch, X).data
    assert [path.name for path in tmp_path.iterdir()] == ["made.assay"]
    assert bundle.digest == hashlib.sha256(bundle.data).hexdigest()
    assert bundle.data[-32:] == hashlib.sha256(bundle.data[:-32]).digest()
    assert bundle.data[:24] == b"ASSAYBDL" + struct.pack("<IIQ", 2, 20, len(bundle.data))
    assert (bundle.golden_row_count, bundle.raw_tolerance, bundle.output_tolerance, bundle.tree_count) == (4, 0, 0, 1)
    golden = sections(bundle.data)[10]
    assert golden[:24] == struct.pack("<IIdd", 4, 0, 0, 0) and len(golden) == 24 + 4 * 8 + 2 * 4 * 8
    assert struct.unpack_from("<8d", golden, 56) == (1.5, 2.5, 1.5, 2.5) * 2


def test_a_model_that_gives_something_else_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    with pytest.raises(assay.ExportError, match="row 0 of X: raw score 0 would be 1.5, the model gives 1.5000"):
        written(monkeypatch, X, wrong=1e-12, path=tmp_path / "made.assay")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options, told",
    [
        ({"name": "Made"}, "name 'Made'"),
        ({"name": ""}, "name"),
        ({"name": "a" * 65}, "65 bytes"),
        ({"golden_rows": 10_001}, "golden_rows"),
        ({"review": 0.9, "decline": 0.5}, "not in order"),
        ({"review": -math.inf}, "not in order"),
        ({"review": NAN}, "not in order"),
        ({"deciding_output": 1}, "deciding output 1 of 1"),
        ({"provenance": {"": "x"}}, "provenance key"),
        ({"provenance": {"a\x07": "x"}}, "control character"),
        ({"provenance": {f"k{index}": "" for index in range(70)}}, "provenance entries"),
        ({"schema": {"feature": []}}, "unknown key 'feature'"),
        ({"schema": {"features": [{"name": "a"}]}}, "1 features, the model 2"),
        ({"schema": {"features": [{"name": "a"}, {"name": "a"}]}}, "two features are called 'a'"),
        ({"schema": {"features": [{"name": "\u00e9"}, {"name": "e\u0301"}]}}, "two features are called"),
        ({"schema": {"features": [{"name": "a"}, {"name": "b", "typ": "float"}]}}, "feature 1 of the schema"),
        ({"schema": {"features": [{"name": "a"}, {"name": "b", "source": "bitcoin.nothing"}]}}, "no derived feature"),
        ({"schema": {"features": [{"name": "a"}, {"name": "b", "reason": "x" * 257}]}}, "257 bytes"),
        ({"schema": {"review_threshold": "high"}}, "review_threshold is 'high'"),
        ({"X": [[math.inf, 0.0]]}, "infinite"),
        ({"X": [[0.0]]}, "1 columns, the model 2 features"),
        ({"X": []}, "shape"),
        ({"X": [["a", "b"]]}, "no numbers"),
    ],
)
def test_arguments_that_make_no_bundle_are_refused(monkeypatch: pytest.MonkeyPatch, options: Dict[str, Any], told: str) -> None:
    rows = options.pop("X", X)
    with pytest.raises(assay.ExportError, match=told):
        written(monkeypatch, rows, **options)


def test_rows_with_infinite_values_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, [[0.0, 1.0], [1.0, math.inf], [1.0, 1e300]]).golden_row_count == 1


def test_the_schema_says_what_features_mean(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    schema = {
        "features": [
            {"name": "fee", "source": "bitcoin.fee_rate", "reason": "Fee is unusual"},
            {"name": "hour", "type": "integer", "missing": "refused"},
        ],
        "decline_threshold": None,
        "provenance": {"data": "2026-10"},
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    bundle = written(monkeypatch, X, schema=tmp_path / "schema.json", review=0.25, provenance={"by": "risk"})
    assert bundle.data == written(monkeypatch, X, schema=schema, review=0.25, provenance={"by": "risk"}).data
    parts = sections(bundle.data)
    assert parts[2] == (
        struct.pack("<IBBHI", 2, 1, 1, 5, 3) + b"fee" + struct.pack("<I", 14) + b"Fee is unusual"
        + struct.pack("<BBHI", 2, 0, 0, 4) + b"hour" + bytes(4)
    )  # fmt: skip
    assert parts[3] == struct.pack("<IIdd", 0, 0, 0.25, math.inf)
    assert parts[4].endswith(b"\2\0\0\0by\4\0\0\0risk") and b"data\7\0\0\0" + b"2026-10" in parts[4]
    assert (SOURCES["bitcoin.size"], SOURCES["bitcoin.output_nonstandard_share"], SOURCES["card.v28"]) == (1, 170, 1128)


def test_golden_rows_are_spread_evenly() -> None:
    rows = _rows.Rows(np.zeros((10, 1)))
    spread = [rows.spread(count).tolist() for count in (0, 1, 2, 4, 10, 99)]
    assert spread == [[], [0], [0, 9], [0, 3, 6, 9], list(range(10)), list(range(10))]


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(assay.ExportError, match="builtins.dict is no model"):
        assay.export({}, X, name="made")


def test_the_client_needs_no_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import assay\n"
        "try: assay.export(None, None, name='x')\n"
        "except ImportError as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "assay.export needs numpy: pip install 'assay[export]'\n"


# -- What frameworks write


def test_ubjson_is_read() -> None:
    data = b"{L\0\0\0\0\0\0\0\1a[$d#L\0\0\0\0\0\0\0\2\x3f\x80\0\0\xc0\0\0\0i\1b[TFZSi\2hii\xffU\xffCx]i\1c{}i\1d[#i\1l\0\0\1\0}"
    value = _ubjson.parse(data)
    assert value.pop("a").tolist() == [1.0, -2.0]
    assert value == {"b": [True, False, None, "hi", -1, 255, "x"], "c": {}, "d": [256]}
    with pytest.raises(ValueError, match="unknown marker '?'"):
        _ubjson.parse(b"?")


@pytest.mark.parametrize(
    "text, kind, scale, review",
    [
        ("binary sigmoid:1", _model.LOGISTIC, 1.0, 0.5),
        ("multiclassova num_class:3 sigmoid:0.7", _model.LOGISTIC, 0.7, math.inf),
        ("regression sqrt", _model.SIGNED_SQUARE, 1.0, math.inf),
        ("huber sqrt", _model.IDENTITY, 1.0, math.inf),
        ("xentlambda", _model.SOFTPLUS, 1.0, math.inf),
    ],
)
def test_lightgbm_objectives_are_read(text: str, kind: int, scale: float, review: float) -> None:
    name, transform, policy = _lightgbm._objective(text)
    assert (name, transform.kind, transform.scale, policy.review) == (text.split(" ")[0], kind, scale, review)


def test_lightgbm_reads_its_own_numbers_in_its_own_way() -> None:
    # Whole part and fraction are rounded, then added up.
    assert [_lightgbm._parameter(text) for text in ("1", "1.7283", "2e-3", "12.5E2")] == [1.0, 1 + 0.7283, 0.002, 1250.0]
    for text in ("", "-1", "nan", "1.5.2"):
        with pytest.raises(assay.ExportError, match="sigmoid"):
            _lightgbm._parameter(text)


class Column:
    """As much of a pandas column of categories as is looked at."""

    def __init__(self, values: Sequence[Optional[str]]) -> None:
        self.values = values

    def isna(self) -> "Column":
        return Column([None if value else "missing" for value in self.values])

    def to_numpy(self, dtype: Any = None) -> Any:
        return np.array(self.values, dtype=object) if dtype else np.array([bool(value) for value in self.values])


def test_categories_become_codes_and_unknown_ones_are_missing() -> None:
    codes = _rows._codes(Column(["b", "a", None, "z"]), ["a", "b"])
    assert codes[:2].tolist() == [1.0, 0.0] and np.isnan(codes[2:]).all()


def test_long_lists_of_categories_stay_within_provenance() -> None:
    entries = _common.category_provenance([(index, ["x" * 100] * (index * 30 + 2)) for index in range(60)])
    assert len(entries) == 41 and entries[0][0] == "source.categories"
    for key, value in entries:
        _file.check_text(key, "key", 1, _file.PROVENANCE_KEY_BYTE_COUNT_MAX)
        _file.check_text(value, "value", 0, _file.PROVENANCE_VALUE_BYTE_COUNT_MAX)
    assert json.loads(entries[1][1]) == ["x" * 100] * 2 and "too many to list" in entries[-1][1]


def test_schema_arguments_win_over_the_schema_and_the_schema_over_the_model() -> None:
    default = _model.PROBABILITY
    assert _schema.policy({}, {}, default) == default
    assert _schema.policy({"review_threshold": None, "decline_threshold": None}, {}, default).review == math.inf
    assert _schema.policy({"review_threshold": 0.2}, {"review_threshold": 0.1}, default) == _model.Policy(0.1, 0.9)
