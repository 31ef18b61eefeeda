"""What `model.yaml` says of answers is coherent."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.tables import config_of
from training.config.answers import DecisionSection

COSTS = {"cost_false_negative": 20, "cost_false_positive": 2}


class TestDecisions:
    @pytest.mark.parametrize("keys", [{}, {"metric": "f1", "threshold": 0.1}, {"metric": "f1", **COSTS}])
    def test_there_is_one_way_to_choose(self, keys: Any) -> None:
        with pytest.raises(ValueError, match="either costs, or a metric, or a threshold"):
            DecisionSection.model_validate(keys)

    def test_a_metric_of_probabilities_chooses_no_threshold(self) -> None:
        with pytest.raises(ValueError, match="log_loss chooses no threshold"):
            DecisionSection(metric="log_loss")

    def test_model_yaml_names_costs(self, tmp_path: Path) -> None:
        config = config_of(tmp_path / "table.csv", decision=COSTS)

        assert config.decision is not None
        assert config.decision.costs == (20, 2)

    def test_a_cost_that_is_not_named_is_one(self) -> None:
        assert DecisionSection(cost_false_positive=5).costs == (1, 5)
