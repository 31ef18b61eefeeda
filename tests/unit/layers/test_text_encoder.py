"""The file of what encodes texts by their terms: read without trusting it."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from skylift.analysis import Analysis
from skylift.errors import UnservableModel
from skylift.text_encoder import from_bytes, holds_analyses, to_bytes
from skylift.vocabulary import Vocabulary
from skylift.weighted_terms import WeightedTerms
from tests.unit.layers.test_vocabulary import vocabulary


class TestFile:
    def test_reading_returns_what_was_written(self) -> None:
        made = vocabulary(), vocabulary((" ok ", "ok"))
        read = from_bytes(Vocabulary, to_bytes(made), [4, 4])
        texts = ["Cheap! 価格 ok", None]
        for before, after in zip(made, read, strict=True):
            assert after.terms == before.terms
            assert np.array_equal(after.rows(texts), before.rows(texts), equal_nan=True)

    def test_it_has_the_same_bytes_each_time(self) -> None:
        assert to_bytes([vocabulary()]) == to_bytes([vocabulary()])

    @pytest.mark.parametrize("count", [0, 2])
    def test_another_number_of_vocabularies_is_refused(self, count: int) -> None:
        with pytest.raises(UnservableModel, match="it holds other arrays"):
            from_bytes(Vocabulary, to_bytes([vocabulary()]), [4] * count)

    def test_another_width_than_the_contracts_is_refused(self) -> None:
        with pytest.raises(UnservableModel, match="another width"):
            from_bytes(Vocabulary, to_bytes([vocabulary()]), [5])

    def test_damaged_bytes_are_refused(self) -> None:
        data = to_bytes([vocabulary()])
        for broken in (b"", b"no archive", data[:-40], data[:200] + b"\xff" * 40 + data[240:]):
            with pytest.raises(UnservableModel, match=r"encoding\.npz cannot be read"):
                from_bytes(Vocabulary, broken, [4])

    @pytest.mark.parametrize(
        "changed",
        [
            {"terms": np.array(["a", object()], dtype=object)},
            {"terms": np.array(["a", "b"])},
            {"terms": np.frombuffer(b"a\na", np.uint8)},
            {"terms": np.frombuffer(b"a\n\xff", np.uint8)},
            {"terms": np.frombuffer(b"a\nb\nc", np.uint8)},
            {"weights": np.array([1.0, 2.0])},
            {"weights": np.array([1, np.nan], np.float32)},
            {"weights": np.array([1, -1], np.float32)},
            {"directions": np.ones((2, 3))},
            {"directions": np.ones((2, 0), np.float32)},
            {"directions": np.ones((2, 101), np.float32)},
            {"directions": np.ones(2, np.float32)},
            {"directions": np.array([[np.inf], [1]], np.float32)},
            {"other": np.ones(1)},
        ],
    )
    def test_arrays_of_another_form_are_refused(self, changed: dict[str, Any]) -> None:
        sound: dict[str, Any] = {
            "terms": np.frombuffer(b"a\nb", np.uint8),
            "weights": np.ones(2, np.float32),
            "directions": np.ones((2, 3), np.float32),
        }
        file = io.BytesIO()
        np.savez(file, allow_pickle=True, **{f"0.{name}": array for name, array in (sound | changed).items()})
        with pytest.raises(UnservableModel):
            from_bytes(Vocabulary, file.getvalue(), [4])

    def test_compressed_arrays_are_refused(self) -> None:
        packed = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(to_bytes([vocabulary()]))) as plain,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in plain.namelist():
                archive.writestr(name, plain.read(name))
        with pytest.raises(UnservableModel, match="compressed"):
            from_bytes(Vocabulary, packed.getvalue(), [4])


def test_files_are_told_apart() -> None:
    words = Analysis("word", 1, 1, stop_words=frozenset({"the"}))
    made = to_bytes([WeightedTerms(words, ["a b", "line\nbreak"], np.ones(2), np.ones((2, 1)))])

    assert holds_analyses(made)
    assert from_bytes(WeightedTerms, made, [2])[0].terms == ("a b", "line\nbreak")
    assert not holds_analyses(to_bytes([vocabulary()]))
    assert not holds_analyses(b"something else")
