"""The schema file of docs/BUNDLE.md, as a dict or as JSON, over what the model and X tell."""

from __future__ import annotations

import json
import math
import os
from typing import Any, List, Mapping, Optional, Tuple, Union

from ..exporter import ExportError
from ._catalogue import SOURCES
from ._file import TYPES, Feature
from ._model import Policy

SchemaSource = Union[Mapping[str, Any], str, "os.PathLike[str]"]

_KEYS = {"features", "review_threshold", "decline_threshold", "deciding_output", "provenance"}
_FEATURE_KEYS = {"name", "type", "missing", "source", "reason"}


def load(source: Optional[SchemaSource]) -> Mapping[str, Any]:
    if source is None:
        return {}
    if not isinstance(source, Mapping):
        with open(source, encoding="utf-8") as file:
            source = json.load(file)
    if not isinstance(source, Mapping):
        raise ExportError("the schema is no object")
    unknown = set(source) - _KEYS
    if unknown:
        raise ExportError(f"the schema has an unknown key {sorted(map(str, unknown))[0]!r}")
    return source


def features(schema: Mapping[str, Any], defaults: List[Feature]) -> List[Feature]:
    entries = schema.get("features")
    if entries is None:
        return defaults
    if not isinstance(entries, (list, tuple)):
        raise ExportError("the schema's features are no list")
    if len(entries) != len(defaults):
        raise ExportError(f"the schema has {len(entries)} features, the model {len(defaults)}")
    return [_feature(entry, index) for index, entry in enumerate(entries)]


def _feature(entry: Any, index: int) -> Feature:
    if not isinstance(entry, Mapping) or set(entry) - _FEATURE_KEYS:
        raise ExportError(f"feature {index} of the schema is no object of {sorted(_FEATURE_KEYS)}")
    name, kind, reason = entry.get("name"), entry.get("type", "float"), entry.get("reason", "")
    missing, source = entry.get("missing", "allowed"), entry.get("source")
    if not isinstance(name, str):
        raise ExportError(f"feature {index} of the schema has no name")
    if kind not in TYPES:
        raise ExportError(f"feature {index} of the schema: type is one of {', '.join(TYPES)}")
    if missing not in ("allowed", "refused"):
        raise ExportError(f"feature {index} of the schema: missing is 'allowed' or 'refused'")
    if source is not None and source not in SOURCES:
        raise ExportError(f"feature {index} of the schema: {source!r} is no derived feature")
    if not isinstance(reason, str):
        raise ExportError(f"feature {index} of the schema: reason is a text")
    return Feature(name, kind, missing == "allowed", 0 if source is None else SOURCES[source], reason)


def policy(schema: Mapping[str, Any], overrides: Mapping[str, Any], default: Policy) -> Policy:
    """The caller's arguments before the schema, the schema before the model's default."""

    def number(key: str, otherwise: float) -> float:
        value = overrides.get(key)
        if value is None:
            if key not in schema:
                return otherwise
            value = math.inf if schema[key] is None else schema[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ExportError(f"{key} is {value!r}; a number is wanted")
        return float(value)

    output = number("deciding_output", default.deciding_output)
    if output != int(output) or output < 0:
        raise ExportError(f"deciding_output is {output}; an index is wanted")
    return Policy(number("review_threshold", default.review), number("decline_threshold", default.decline), int(output))


def provenance(schema: Mapping[str, Any], more: Mapping[str, str]) -> List[Tuple[str, str]]:
    entries: List[Tuple[str, str]] = []
    for given in (schema.get("provenance", {}), more):
        if not isinstance(given, Mapping) or not all(isinstance(text, str) for pair in given.items() for text in pair):
            raise ExportError("provenance is an object of texts")
        entries += list(given.items())
    return entries
