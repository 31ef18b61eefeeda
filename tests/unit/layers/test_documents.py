"""Documents: what is stored of them, and what is wrong with one that cannot be read."""

import math

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from skylift.documents import Document, first_fault


class Weather(Document):
    place: str
    degrees: float | None = None


WEATHER = Weather(place="Köln", degrees=21.5)


def test_a_document_reads_back_as_it_was_written() -> None:
    assert Weather.model_validate_json(WEATHER.to_bytes()) == WEATHER


def test_stored_bytes_are_lines_that_people_can_read_without_what_is_none() -> None:
    assert Weather(place="Köln").to_bytes().decode() == '{\n  "place": "Köln"\n}\n'


def test_a_number_that_is_not_finite_is_kept_as_valid_json() -> None:
    stored = Weather(place="Köln", degrees=math.inf)

    assert b'"Infinity"' in stored.to_bytes()
    assert Weather.model_validate_json(stored.to_bytes()) == stored


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        WEATHER.place = "Bonn"  # type: ignore[misc]


def test_keys_that_a_later_release_adds_are_ignored() -> None:
    assert Weather.model_validate(WEATHER.model_dump() | {"added_later": 1}) == WEATHER


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weather: Weather


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"weather": {}}, "weather.place: missing"),
        ({"weather": WEATHER, "x": 1}, "x: unknown key"),
        ({"weather": {"place": "Bonn", "degrees": "hot"}}, "weather.degrees: Input should be a valid number"),
        ([], "the document: Input should be a valid dictionary"),
    ],
)
def test_the_first_fault_names_its_place(content: object, fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Strict.model_validate(content)

    assert first_fault(caught.value).startswith(fault)
