"""FastAPI on uvicorn (uvloop, httptools) with XGBoost's in-place prediction: run as `uvicorn fastapi_server:app`.

PEER_MODEL names the model file.
"""

import os

import numpy as np
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

booster = xgboost.Booster(params={"nthread": 1}, model_file=os.environ["PEER_MODEL"])
app = FastAPI()


class Transaction(BaseModel):
    features: list[float | None]


class Decision(BaseModel):
    score: float
    outcome: str


@app.post("/score")
async def score(transaction: Transaction) -> Decision:
    row = np.array([transaction.features], dtype=np.float32)
    value = float(booster.inplace_predict(row, validate_features=False)[0])
    return Decision(score=value, outcome="decline" if value >= 0.9 else "review" if value >= 0.5 else "approve")
