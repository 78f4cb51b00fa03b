"""What readers of all frameworks share."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from typing import Any, Iterable, List, Sequence, Tuple

import numpy as np

from ..exporter import ExportError
from ._file import PROVENANCE_VALUE_BYTE_COUNT_MAX
from ._model import Array

#: Categories of so many features are listed in the provenance; a bundle has 64 entries of all kinds.
_LISTED_FEATURE_COUNT = 40


def module(name: str) -> Any:
    """A framework's module; nothing of it is known to the type checker, whether or not it is installed."""
    return importlib.import_module(name)


def type_name(model: Any) -> str:
    return type(model).__name__


def unsupported(model: Any, why: str) -> ExportError:
    return ExportError(f"{type_name(model)}: {why}")


def as_results(values: Any, row_count: int) -> Array:
    """`[rows, columns]` in float64."""
    return np.asarray(values).astype(np.float64).reshape(row_count, -1)


def digest_of(arrays: Iterable[Any]) -> str:
    """SHA-256 of arrays: each one's type, shape and bytes."""
    sha = hashlib.sha256()
    for value in arrays:
        array = np.ascontiguousarray(value)
        array = array.astype(array.dtype.newbyteorder("<"))
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def below(thresholds: Array, kind: Any) -> Array:
    """The thresholds t' in `kind` for which `x < t'` says of every x of that type what `x <= t` says; infinite: every x."""
    with np.errstate(over="ignore"):
        greatest = thresholds.astype(kind)
        greatest = np.where(greatest > thresholds, np.nextafter(greatest, kind(-np.inf)), greatest)
        return np.asarray(np.nextafter(greatest, kind(np.inf)), np.float64)


def category_provenance(categories: Sequence[Tuple[int, Sequence[Any]]]) -> List[Tuple[str, str]]:
    """What the codes of categorical features stand for: `categories.3` is the list of feature 3's, from code 0 on."""
    if not categories:
        return []
    entries = [("source.categories", "categories are codes of the training data's")]
    for index, values in categories[:_LISTED_FEATURE_COUNT]:
        plain = [value.item() if hasattr(value, "item") else value for value in values]
        listed = json.dumps(plain, ensure_ascii=False, default=str)
        if len(listed.encode(errors="replace")) > PROVENANCE_VALUE_BYTE_COUNT_MAX:
            digest = hashlib.sha256(listed.encode(errors="replace")).hexdigest()
            listed = f"{len(values)} categories, too many to list; SHA-256 of the list {digest}"
        entries.append((f"categories.{index}", listed))
    return entries


def round_up(tolerance: float) -> float:
    """The next power of ten."""
    return 0.0 if tolerance == 0 else float(f"1e{math.ceil(math.log10(tolerance))}")
