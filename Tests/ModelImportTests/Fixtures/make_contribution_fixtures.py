"""Makes isolation_shap.onnx, and what the shap package says that the features contribute to its path lengths.

Made with Python 3.11, scikit-learn 1.9.1, skl2onnx 1.20.0, shap 0.51.0 and numpy 2.4.6, seed 20261121; run it in this folder to make
them again. shap explains the mean path length of the trees; we explain their sum. isolation_shap.shap.npy is `[rows, features + 1]`,
the last column the base.
"""

import numpy as np
import shap
import sklearn
from skl2onnx import to_onnx
from sklearn.ensemble import IsolationForest

assert sklearn.__version__ == "1.9.1" and shap.__version__ == "0.51.0"
random = np.random.default_rng(20261121)
FEATURES, ROWS = 6, 24

X = random.normal(size=(200, FEATURES)).astype(np.float32)
X[:, 4] = np.round(X[:, 4])
model = IsolationForest(n_estimators=4, max_samples=24, random_state=7).fit(X)
rows = np.concatenate([X[: ROWS - 4], 4 * X[:4]])

explainer = shap.TreeExplainer(model)
contributions = np.concatenate(
    [explainer.shap_values(rows), np.full((ROWS, 1), np.ravel(explainer.expected_value)[0])], axis=1)

np.save("isolation_shap.X.npy", rows)
np.save("isolation_shap.shap.npy", contributions.astype(np.float64))
onnx = to_onnx(model, rows[:1], target_opset={"": 18, "ai.onnx.ml": 3})
with open("isolation_shap.onnx", "wb") as file:
    file.write(onnx.SerializeToString())
