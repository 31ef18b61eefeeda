"""A scikit-learn model on Lambda as most tutorials do it: FastAPI, joblib, Mangum, a model loaded at import.

Nothing is left out that a careful reader of such a tutorial would have: the schema is pydantic's, the answer has a
response model (which FastAPI writes faster than a plain dict), and the forest is not told to start threads.
"""

import io
import os
from typing import Any

import boto3
import joblib
import numpy as np
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, create_model


def load_model() -> Any:
    """Download the active model: the parameter holds its key."""
    parameter = boto3.client("ssm").get_parameter(Name=os.environ["MODEL_PARAMETER"])
    stored = boto3.client("s3").get_object(Bucket=os.environ["MODEL_BUCKET"], Key=parameter["Parameter"]["Value"])
    return joblib.load(io.BytesIO(stored["Body"].read()))


bundle = load_model()
model, features, classes = bundle["model"], bundle["features"], bundle["classes"]
fields: Any = dict.fromkeys(features, (float, ...))
Instance = create_model("Instance", **fields)


class Batch(BaseModel):
    """The request."""

    instances: list[Instance]


class Prediction(BaseModel):
    """The answer for one instance."""

    label: str
    probabilities: dict[str, float]


class Predictions(BaseModel):
    """The answer."""

    predictions: list[Prediction]


app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    """Say that it lives."""
    return {"status": "ok"}


@app.post("/predict")
def predict(batch: Batch) -> Predictions:
    """Score the instances."""
    rows = np.array([[getattr(instance, name) for name in features] for instance in batch.instances])
    probabilities = model.predict_proba(rows)
    return Predictions(
        predictions=[
            Prediction(label=classes[row.argmax()], probabilities=dict(zip(classes, row.tolist(), strict=True)))
            for row in probabilities
        ]
    )


handler = Mangum(app)
