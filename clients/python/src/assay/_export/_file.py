"""The bytes of a bundle file, by docs/BUNDLE.md, version 2."""

from __future__ import annotations

import hashlib
import struct
import unicodedata
from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple

import numpy as np

from ..exporter import ExportError
from ._model import Array, Golden, Policy
from ._pack import Packed

MAGIC = b"ASSAYBDL"
VERSION = 2
ALIGNMENT = 64
FILE_BYTE_COUNT_MAX = 1 << 31

NAME_BYTE_COUNT_MAX = 64
OBJECTIVE_BYTE_COUNT_MAX = 64
FEATURE_TEXT_BYTE_COUNT_MAX = 256
PROVENANCE_COUNT_MAX = 64
PROVENANCE_KEY_BYTE_COUNT_MAX = 64
PROVENANCE_VALUE_BYTE_COUNT_MAX = 4096
TOLERANCE_MAX = 1e-3

TYPES = {"float": 1, "integer": 2, "boolean": 3, "categorical": 4}
PRECISIONS = {np.float32: 1, np.float64: 2}

FLAG_FLUSHES_TINY, FLAG_COVERS, FLAG_LINEAR, FLAG_SCALER = 1, 2, 4, 8


@dataclass
class Feature:
    """One feature of the schema."""

    name: str
    type: str = "float"
    missing_allowed: bool = True
    #: The number of a derived feature, 0 for none.
    source: int = 0
    reason: str = ""


@dataclass
class GoldenRows:
    """Rows in the type that features travel in, with the results they must have."""

    rows: Array
    results: Golden
    raw_tolerance: float
    output_tolerance: float


def bundle_bytes(
    packed: Packed,
    *,
    name: str,
    objective: str,
    features: Sequence[Feature],
    policy: Policy,
    provenance: Sequence[Tuple[str, str]],
    golden: GoldenRows,
) -> bytes:
    sections: List[Tuple[int, bytes]] = [
        (1, _identity(packed, name, objective)),
        (2, _schema(features)),
        (3, _policy(policy, packed.ensemble.output_count)),
        (4, _provenance(provenance)),
    ]
    arrays: List[Tuple[int, Any]] = [
        (5, packed.nodes),
        (6, packed.roots),
        (7, packed.tree_outputs),
        (8, packed.group_depths),
        (9, packed.base_margins),
        (11, packed.features),
        (12, packed.thresholds),
        (13, packed.leaf_values),
        (14, packed.leaf_numbers),
        (15, packed.covers),
        (16, packed.category_features),
        (17, packed.categories),
        (18, packed.category_words),
        (19, np.zeros(0) if packed.ensemble.weights is None else packed.ensemble.weights.astype(np.float64)),
        (32, np.zeros(0) if packed.ensemble.scaler is None else np.concatenate(packed.ensemble.scaler).astype(np.float64)),
    ]
    sections += [(number, _little(array)) for number, array in arrays]
    sections.append((10, _golden(packed, golden)))
    return _file(sections)


def _little(array: Array) -> bytes:
    """Row-major, little-endian."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def check_text(text: str, what: str, least: int, most: int) -> bytes:
    """The UTF-8 of a text without control characters."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise ExportError(f"{what} is not a text that UTF-8 can hold") from None
    if not least <= len(encoded) <= most:
        raise ExportError(f"{what} has {len(encoded)} bytes; it may have {least} to {most}")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ExportError(f"{what} has a control character")
    return encoded


def _text(text: str, what: str, least: int, most: int) -> bytes:
    encoded = check_text(text, what, least, most)
    return struct.pack("<I", len(encoded)) + encoded


def _identity(packed: Packed, name: str, objective: str) -> bytes:
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-"):
        raise ExportError(f"the bundle's name {name!r} is not of a-z, 0-9, _ and -")
    ensemble = packed.ensemble
    flags = (
        (FLAG_FLUSHES_TINY if ensemble.flushes_tiny else 0)
        | (FLAG_COVERS if len(packed.covers) else 0)
        | (FLAG_LINEAR if ensemble.weights is not None else 0)
        | (FLAG_SCALER if ensemble.scaler is not None else 0)
    )
    transform = ensemble.transform
    head = struct.pack(
        "<6H11I3d",
        PRECISIONS[ensemble.travel_type],
        PRECISIONS[ensemble.feature_type],
        PRECISIONS[ensemble.sum_type],
        ensemble.category_rule,
        transform.kind,
        flags,
        ensemble.feature_count,
        ensemble.raw_count,
        ensemble.leaf_width,
        len(ensemble.trees),
        len(packed.nodes),
        len(packed.leaf_numbers) - 1,
        len(packed.thresholds),
        len(packed.category_features),
        len(packed.categories),
        len(packed.category_words),
        packed.category_slot_count,
        transform.divisor,
        transform.scale,
        transform.offset,
    )
    names = _text(name, "the bundle's name", 1, NAME_BYTE_COUNT_MAX)
    return head + names + _text(objective, "the objective", 1, OBJECTIVE_BYTE_COUNT_MAX)


def _schema(features: Sequence[Feature]) -> bytes:
    seen = set()
    parts = [struct.pack("<I", len(features))]
    for index, feature in enumerate(features):
        name = _text(feature.name, f"the name of feature {index}", 1, FEATURE_TEXT_BYTE_COUNT_MAX)
        # Names that Unicode holds to be equivalent are the same.
        normal = unicodedata.normalize("NFC", feature.name)
        if normal in seen:
            raise ExportError(f"two features are called {feature.name!r}")
        seen.add(normal)
        parts.append(struct.pack("<BBH", TYPES[feature.type], feature.missing_allowed, feature.source))
        parts.append(name + _text(feature.reason, f"the reason of feature {index}", 0, FEATURE_TEXT_BYTE_COUNT_MAX))
    return b"".join(parts)


def _policy(policy: Policy, output_count: int) -> bytes:
    if not 0 <= policy.deciding_output < output_count:
        raise ExportError(f"deciding output {policy.deciding_output} of {output_count}")
    if not -np.inf < policy.review <= policy.decline:
        raise ExportError(f"review from {policy.review} and decline from {policy.decline} are not in order")
    return struct.pack("<IIdd", policy.deciding_output, 0, policy.review, policy.decline)


def _provenance(entries: Sequence[Tuple[str, str]]) -> bytes:
    if len(entries) > PROVENANCE_COUNT_MAX:
        raise ExportError(f"{len(entries)} provenance entries; a bundle has at most {PROVENANCE_COUNT_MAX}")
    parts = [struct.pack("<I", len(entries))]
    for key, value in entries:
        parts.append(_text(key, f"the provenance key {key!r}", 1, PROVENANCE_KEY_BYTE_COUNT_MAX))
        parts.append(_text(value, f"the provenance of {key!r}", 0, PROVENANCE_VALUE_BYTE_COUNT_MAX))
    return b"".join(parts)


def _golden(packed: Packed, golden: GoldenRows) -> bytes:
    for tolerance in (golden.raw_tolerance, golden.output_tolerance):
        if not 0 <= tolerance <= TOLERANCE_MAX:
            raise ExportError(f"golden rows that are only within {tolerance} prove nothing; at most {TOLERANCE_MAX} is granted")
    assert golden.rows.dtype == packed.ensemble.travel_type and golden.results.raw is not None
    head = struct.pack("<IIdd", len(golden.rows), 0, golden.raw_tolerance, golden.output_tolerance)
    rows = _little(golden.rows)
    rows += bytes(-len(rows) % 8)
    return head + rows + _little(golden.results.raw.astype(np.float64)) + _little(golden.results.outputs.astype(np.float64))


def _file(sections: Sequence[Tuple[int, bytes]]) -> bytes:
    offset = _aligned(64 + 24 * len(sections))
    table = b""
    for number, content in sections:
        table += struct.pack("<IIQQ", number, 0, offset, len(content))
        offset += _aligned(len(content))
    byte_count = offset + 32
    if byte_count > FILE_BYTE_COUNT_MAX:
        raise ExportError(f"the bundle takes {byte_count} bytes, more than {FILE_BYTE_COUNT_MAX}")
    parts = [MAGIC, struct.pack("<IIQ", VERSION, len(sections), byte_count), bytes(40), table]
    parts.append(bytes(-len(table) % ALIGNMENT))
    for _, content in sections:
        parts += [content, bytes(-len(content) % ALIGNMENT)]
    body = b"".join(parts)
    return body + hashlib.sha256(body).digest()


def _aligned(byte_count: int) -> int:
    return byte_count + -byte_count % ALIGNMENT
