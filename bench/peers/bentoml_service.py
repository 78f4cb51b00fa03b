"""BentoML with XGBoost's in-place prediction: run as `bentoml serve bentoml_service:Scorer`. PEER_MODEL names the model file."""

import os

import bentoml
import numpy as np
import xgboost


@bentoml.service(workers=1, traffic={"timeout": 60})
class Scorer:
    def __init__(self) -> None:
        self.booster = xgboost.Booster(params={"nthread": 1}, model_file=os.environ["PEER_MODEL"])

    @bentoml.api
    def score(self, features: list[float | None]) -> dict[str, float | str]:
        row = np.array([features], dtype=np.float32)
        value = float(self.booster.inplace_predict(row, validate_features=False)[0])
        return {"score": value, "outcome": "decline" if value >= 0.9 else "review" if value >= 0.5 else "approve"}
