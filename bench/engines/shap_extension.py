"""The C extension of the shap package, called directly.

`shap.TreeExplainer` hands XGBoost's and LightGBM's models back to those libraries; what is measured here is shap's own code.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import shap

TREE_PATH_DEPENDENT, NO_TRANSFORM = 1, 0


def contributions(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A function of rows [rows, features] that gives [rows, features + 1] float64, of the last output (the positive class)."""
    ensemble = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent").model

    def explain(rows: np.ndarray) -> np.ndarray:
        values = np.asarray(rows, dtype=ensemble.input_dtype)
        phi = np.zeros((len(rows), rows.shape[1] + 1, ensemble.num_outputs))
        shap._cext.dense_tree_shap(
            ensemble.children_left, ensemble.children_right, ensemble.children_default, ensemble.features, ensemble.thresholds,
            ensemble.threshold_types, ensemble.values, ensemble.node_sample_weight, ensemble.max_depth, values, np.isnan(values), None,
            None, None, len(ensemble.values), ensemble.base_offset, phi, TREE_PATH_DEPENDENT, NO_TRANSFORM, False)
        return phi[:, :, -1]

    return explain
