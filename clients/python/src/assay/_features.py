"""Feature values to packed little-endian floats, with and without numpy. None and NaN both mean "missing"."""

from __future__ import annotations

import math
import struct
from typing import Any, List, Optional, Protocol, Sequence, Tuple, Union

_FORMAT = {32: "f", 64: "d"}


class SupportsArray(Protocol):
    """What numpy arrays, pandas series and frames, and torch tensors on the CPU have in common."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


FeatureVector = Union[Sequence[Optional[float]], SupportsArray]
FeatureRows = Union[Sequence[FeatureVector], SupportsArray]


def pack_vector(values: FeatureVector, precision: int, what: str = "features") -> bytes:
    """One row, ``precision`` bits a value; ``what`` names it in errors."""
    if isinstance(values, (list, tuple)):
        return _pack_sequence(values, precision, what)
    if hasattr(values, "__array__"):
        return _pack_array(values, precision, what, dimensions=1)[0]
    if isinstance(values, Sequence) and not isinstance(values, (str, bytes)):
        return _pack_sequence(values, precision, what)
    raise TypeError(f"{what}: want a sequence of numbers or a 1-dimensional array, got {type(values).__name__}")


def pack_rows(rows: FeatureRows, precision: int) -> Tuple[bytes, int]:
    """Rows of one length, row-major, and their number."""
    if hasattr(rows, "__array__"):
        return _pack_array(rows, precision, "rows", dimensions=2)
    if not isinstance(rows, Sequence) or isinstance(rows, (str, bytes)):
        raise TypeError(f"rows: want a sequence of feature vectors or a 2-dimensional array, got {type(rows).__name__}")
    packed_rows: List[bytes] = []
    for index, row in enumerate(rows):
        packed = pack_vector(row, precision, f"rows[{index}]")
        if packed_rows and len(packed) != len(packed_rows[0]):
            width = precision // 8
            raise ValueError(f"rows[{index}] has {len(packed) // width} values, rows[0] has {len(packed_rows[0]) // width}")
        packed_rows.append(packed)
    return b"".join(packed_rows), len(packed_rows)


def _pack_sequence(values: Sequence[Optional[float]], precision: int, what: str) -> bytes:
    layout = f"<{len(values)}{_FORMAT[precision]}"
    try:
        return struct.pack(layout, *values)
    except (struct.error, OverflowError, TypeError):
        return struct.pack(layout, *(_number(value, precision, f"{what}[{index}]") for index, value in enumerate(values)))


def _number(value: Optional[float], precision: int, what: str) -> float:
    """The slow road: None becomes NaN, and what is no number is named by its place."""
    if value is None:
        return math.nan
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{what}: want a number or None, got {type(value).__name__}")
    try:
        number = float(value)
        struct.pack(f"<{_FORMAT[precision]}", number)
    except TypeError:
        raise TypeError(f"{what}: want a number or None, got {type(value).__name__}") from None
    except OverflowError:
        raise ValueError(f"{what}: too large for float{precision}") from None
    return number


def _pack_array(values: Any, precision: int, what: str, *, dimensions: int) -> Tuple[bytes, int]:
    import numpy  # Only reached with an object that speaks numpy's protocol.

    array = numpy.asarray(values)
    if array.ndim != dimensions:
        raise ValueError(f"{what}: want an array of {dimensions} dimension(s), got shape {array.shape}")
    if array.dtype == object:
        array = numpy.array(
            [math.nan if value is None else value for value in array.ravel().tolist()], dtype=numpy.float64
        ).reshape(array.shape)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what}: want an array of numbers, got dtype {array.dtype}")
    with numpy.errstate(over="ignore"):
        packed = numpy.ascontiguousarray(array, dtype=f"<f{precision // 8}")
    if packed.dtype.itemsize < array.dtype.itemsize and bool((numpy.isinf(packed) & numpy.isfinite(array)).any()):
        raise ValueError(f"{what}: a value is too large for float{precision}")
    return packed.tobytes(), array.shape[0]
