"""Bundles straight from fitted models: `assay.export`. Needs numpy (`pip install assay[export]`) and the model's own framework."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Union

__all__ = ["ExportError", "ExportedBundle", "export"]


class ExportError(ValueError):
    """The model, its data or an argument cannot be written as a bundle that scores exactly; the text says what and where."""


@dataclass(frozen=True)
class ExportedBundle:
    """What `export` made; the same model, rows and arguments give the same bytes."""

    name: str
    #: SHA-256 of the file, as decisions and audit records name it.
    digest: str
    #: The whole file.
    data: bytes = field(repr=False)
    #: Where it was written, if it was.
    path: Optional[str]
    #: By the framework's name.
    objective: str
    feature_count: int
    output_count: int
    tree_count: int
    golden_row_count: int
    #: How far the golden rows' raw scores may be from the framework's, relative to max(1, |raw score|); 0: the same bits.
    raw_tolerance: float
    #: The same for outputs.
    output_tolerance: float


def export(
    model: Any,
    X: Any,
    *,
    name: str,
    path: Optional[Union[str, "os.PathLike[str]"]] = None,
    schema: Optional[Union[Mapping[str, Any], str, "os.PathLike[str]"]] = None,
    review: Optional[float] = None,
    decline: Optional[float] = None,
    deciding_output: Optional[int] = None,
    golden_rows: int = 1000,
    provenance: Optional[Mapping[str, str]] = None,
) -> ExportedBundle:
    """Makes a bundle of a fitted XGBoost, LightGBM or scikit-learn model.

    :param X: rows that the model predicts, `[rows, features]`: a pandas DataFrame or an array. Golden rows are taken from it,
        evenly spread, and predicted by the model itself; names and types of features come from its columns.
    :param name: the bundle's name, 1-64 of a-z, 0-9, _ and -.
    :param path: file to write, atomically; None: none.
    :param schema: what `assay bundle import --schema` takes (docs/BUNDLE.md), as a dict or the JSON file's path.
    :param review: from this score on transactions are reviewed; `math.inf`: never. None: 0.5 for the probability of the second of
        two classes, never for all else.
    :param decline: from this score on they are declined; None: 0.9, or never.
    :param deciding_output: index of the output that is compared with the two.
    :param golden_rows: at most so many golden rows; 0 makes an unproven bundle.
    :param provenance: texts to add.
    :raises ExportError: what is not supported, by its name; a bundle that would score differently is never written.
    """
    try:
        from . import _export
    except ImportError as error:
        if getattr(error, "name", None) == "numpy":
            raise ImportError("assay.export needs numpy: pip install 'assay[export]'") from error
        raise
    return _export.export(
        model,
        X,
        name=name,
        path=path,
        schema=schema,
        overrides={"review_threshold": review, "decline_threshold": decline, "deciding_output": deciding_output},
        golden_rows=golden_rows,
        provenance=dict(provenance or {}),
    )
