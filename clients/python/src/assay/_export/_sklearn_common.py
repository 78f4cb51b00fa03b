"""What readers of scikit-learn's models share."""

from __future__ import annotations

from typing import Any, Callable, List, Sequence, Tuple

import numpy as np

from ._common import digest_of, module, type_name, unsupported

# scipy's and numpy's vector functions differ from the C library's in their last bits.
EXPONENTIAL_TOLERANCE = 1e-14
POWER_TOLERANCE = 1e-15


def provenance(model: Any, arrays: Sequence[Any]) -> List[Tuple[str, str]]:
    return [
        ("source.format", "scikit-learn, exported from Python"),
        ("source.version", f"scikit-learn {module('sklearn').__version__}"),
        ("source.model", type_name(model)),
        # A pickle's bytes depend on more than what was fitted.
        ("source.sha256", digest_of(arrays)),
        ("source.sha256_of", "type, shape and bytes of the fitted arrays"),
    ]


def accepts_missing(predict: Callable[[Any], Any], feature_count: int) -> bool:
    """Whether the model itself takes a row of NaN."""
    try:
        predict(np.full((1, feature_count), np.nan))
    except ValueError:
        return False
    return True


def class_columns(model: Any) -> slice:
    """The probabilities that are outputs: the second of two classes, else all."""
    if not hasattr(model, "classes_") or isinstance(model.classes_, list):
        raise unsupported(model, "several targets at once")
    return slice(1, 2) if len(model.classes_) == 2 else slice(None)
