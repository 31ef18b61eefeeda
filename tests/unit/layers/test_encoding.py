"""Rows of a contract one of whose features fills several columns."""

import math

import numpy as np
import pytest

from skylift.contract import Contract, Instance
from skylift.encoding import RowEncoder, leads, load_encoder, with_blocks
from tests.support.manifests import manifest
from tests.support.wide import CALLER, WIDE, wide_table

ENCODER = RowEncoder(WIDE)


def test_a_contract_tells_the_columns_of_its_features() -> None:
    assert WIDE.width == 5
    assert WIDE.blocks == (slice(0, 3), slice(3, 4), slice(4, 5))
    assert WIDE.leads == (0, 3, 4)


@pytest.mark.parametrize("day", ["31.12.2021", "2021-12-31"])
def test_a_feature_fills_its_block(day: str) -> None:
    assert ENCODER.encode([CALLER | {"day": day}]).tolist() == [[730.0, 2021.0, 12.0, 1.0, 3.0]]


def test_one_instance_is_encoded_as_many_are() -> None:
    instances: list[Instance] = [CALLER, CALLER | {"day": None}, {"city": "Rom", "rooms": 1}]

    many = ENCODER.encode(instances)

    assert repr(many.tolist()) == repr([ENCODER.encode([instance])[0].tolist() for instance in instances])
    assert many.flags.c_contiguous
    assert ENCODER.encode([]).shape == (0, 5)


def test_a_missing_value_is_missing_in_the_whole_block() -> None:
    assert np.isnan(ENCODER.encode([CALLER | {"day": None}])).tolist() == [[True, True, True, False, False]]


def test_the_lead_of_each_block_stands_for_its_feature() -> None:
    assert leads(WIDE, ENCODER.encode([CALLER])).tolist() == [[730.0, 1.0, 3.0]]


def test_rows_follow_from_their_leads() -> None:
    rows = wide_table(20).rows

    assert np.array_equal(with_blocks(WIDE, leads(WIDE, rows), {}, {}), rows, equal_nan=True)


def test_rows_of_plain_features_are_their_own_leads() -> None:
    plain = Contract(task="regression", features=WIDE.features[1:], target=WIDE.target)
    rows = RowEncoder(plain).encode([CALLER])

    assert leads(plain, rows) is rows
    assert with_blocks(plain, rows, {}, {}) is rows


def test_the_encoder_of_a_version_follows_from_its_contract() -> None:
    encoder = load_encoder(manifest().model_copy(update={"contract": WIDE}), pytest.fail)

    assert encoder.encode([CALLER]).tolist() == ENCODER.encode([CALLER]).tolist()
    assert not math.isnan(encoder.encode([CALLER])[0, 0])
