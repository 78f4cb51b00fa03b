"""The caller's X: a pandas DataFrame, an array or nested sequences, and the numbers a bundle takes for its values."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

import numpy as np

from ..exporter import ExportError
from ._model import Array

_TYPES = {"b": "boolean", "i": "integer", "u": "integer"}


class Rows:
    """Rows in the form in which the framework takes them."""

    def __init__(self, X: Any) -> None:
        if hasattr(X, "tocsr"):
            raise ExportError("X is sparse; pass a dense array, with NaN where a value is missing")
        self.is_frame = all(hasattr(X, name) for name in ("columns", "dtypes", "iloc"))
        if not self.is_frame:
            if type(X).__module__.split(".")[0] in ("polars", "pyarrow"):
                raise ExportError(f"X is a {type(X).__module__}.{type(X).__name__}; pass a pandas DataFrame or an array")
            X = _numbers(X)
        self.X = X
        if len(X.shape) != 2 or X.shape[0] == 0:
            raise ExportError(f"X has the shape {tuple(X.shape)}; rows of features are wanted")
        self.row_count, self.feature_count = (int(count) for count in X.shape)

    @property
    def names(self) -> Optional[List[str]]:
        return [str(name) for name in self.X.columns] if self.is_frame else None

    @property
    def types(self) -> List[str]:
        """The schema's types."""
        if not self.is_frame:
            return [_TYPES.get(self.X.dtype.kind, "float")] * self.feature_count
        return [
            "categorical" if _is_categorical(dtype) else _TYPES.get(getattr(dtype, "kind", "f"), "float") for dtype in self.X.dtypes
        ]

    @property
    def categorical_columns(self) -> List[int]:
        """The columns of pandas' category type."""
        return [index for index, dtype in enumerate(self.X.dtypes) if _is_categorical(dtype)] if self.is_frame else []

    def categories(self, column: int) -> List[Any]:
        """The values of a column of pandas' category type, in the order of their codes."""
        return list(self.X.iloc[:, column].cat.categories.tolist())

    def spread(self, count: int) -> Array:
        """The indices of `count` rows, evenly spread, the first and the last among them."""
        if count >= self.row_count:
            return np.arange(self.row_count)
        if count < 2:
            return np.arange(count)
        return np.arange(count) * (self.row_count - 1) // (count - 1)

    def take(self, indices: Array) -> Any:
        return self.X.iloc[indices] if self.is_frame else self.X[indices]

    def numbers(self, indices: Array, categories: Mapping[int, Sequence[Any]], encodes_categories: bool) -> Array:
        """Some rows as float64, NaN where missing.

        :param categories: the values that codes stand for, by feature.
        :param encodes_categories: whether the framework takes the codes of other columns of pandas' category type.
        """
        rows = self.take(indices)
        if not self.is_frame:
            return np.asarray(rows, dtype=np.float64)
        numbers = np.empty((len(indices), self.feature_count), np.float64)
        for index, name in enumerate(self.names or []):
            column = rows.iloc[:, index]
            if index in categories:
                numbers[:, index] = _codes(column, categories[index])
            elif encodes_categories and _is_categorical(column.dtype):
                codes = column.cat.codes.to_numpy().astype(np.float64)
                numbers[:, index] = np.where(codes < 0, np.nan, codes)
            else:
                numbers[:, index] = _column_numbers(column, name)
        return numbers


def as_type(rows: Any, row_type: Any) -> Any:
    """Rows, a DataFrame with its names, in one type of numbers."""
    try:
        return rows.astype(row_type)
    except (TypeError, ValueError) as error:
        raise ExportError(f"a column of X holds no numbers: {error}") from None


def _is_categorical(dtype: Any) -> bool:
    return getattr(dtype, "name", "") == "category"


def _numbers(X: Any) -> Array:
    array = np.asarray(X)
    if array.dtype.kind in "fiub":
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise ExportError("X holds values that are no numbers") from None


def _codes(column: Any, categories: Sequence[Any]) -> Array:
    """The index of each value among the categories; NaN for a missing or unknown one."""
    code_of = {value: code for code, value in enumerate(categories)}
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype=object)
    codes = [np.nan if is_missing else code_of.get(value, np.nan) for value, is_missing in zip(values, missing)]
    return np.array(codes, np.float64)


def _column_numbers(column: Any, name: str) -> Array:
    try:
        numbers: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise ExportError(f"column {name!r} holds values that are no numbers; make it a category or leave it out") from None
    if getattr(column.dtype, "kind", "f") in "mM":
        raise ExportError(f"column {name!r} holds times; make numbers of them")
    return numbers
