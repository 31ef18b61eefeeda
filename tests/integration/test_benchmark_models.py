"""The models that benchmarks measure can be published and answer: `make bench` does not end in its first minute."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.models import Model, Models
from skylift.encoding import RowEncoder
from skylift.image_cache import ImageCache
from skylift.predictors import load_predictor
from skylift.scoring import predictions
from tests.support.moto_server import MotoServer

DATES = pd.DataFrame({"day": [f"{day}.{month}.2024" for month in range(1, 13) for day in range(1, 29)]})
DATES["y"] = np.where(DATES.index % 28 > 13, "late", "early")

MODELS: dict[str, Callable[[Models], Model]] = {
    "a forest": lambda models: models.forest(5),
    "a logistic regression": Models.logistic,
    "boosting": lambda models: models.boosting(5),
    "dates": lambda models: models.plain("dates", DATES),
    "a wide table": lambda models: models.wide(30),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    with MotoServer() as aws:
        yield Models(aws, tmp_path_factory.mktemp("tables"))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_model_is_published_and_answers_as_scikit_learn_does(
    make: Callable[[Models], Model], models: Models, tmp_path: Path
) -> None:
    model = make(models)
    models.bake(model, tmp_path)
    image = ImageCache(tmp_path, model.name)
    reference = image.newest()
    assert reference is not None

    with image.open_version(reference) as (manifest, read):
        scores = load_predictor(manifest, read).scores(RowEncoder(manifest.contract).encode(model.instances(3)))

    model.check(200, json.dumps({"predictions": predictions(manifest.contract, scores)}), 3)
