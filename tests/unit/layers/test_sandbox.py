"""A version is scored in a process without rights: its scores come back, and nothing else it may do has an effect."""

import sys
from pathlib import Path

import numpy as np
import pytest

from skylift.encoding import RowEncoder
from skylift.errors import GoldenMismatch, IncompatibleEnvironment, IntegrityError, UnservableModel
from skylift.manifest import Golden
from skylift.predictors import load_predictor
from skylift.sandbox import Answer, SandboxedPredictor, UnconfinedExamination, printable
from skylift.scoring import Matrix
from tests.support.models import changed, compiled_iris_package, iris_package
from tests.support.pickles import running
from training.release.packaging import Package


def _rows(package: Package) -> Matrix:
    manifest = package.describe(1)
    return RowEncoder(manifest.contract).encode(manifest.golden.instances)


def _sandboxed(source: str, *, seconds: int | None = None) -> SandboxedPredictor:
    """A version whose model runs a program when it is loaded."""
    return SandboxedPredictor(iris_package().describe(1), lambda _: running(source), seconds=seconds)


def _score(source: str, *, seconds: int | None = None) -> Matrix:
    return _sandboxed(source, seconds=seconds).scores(_rows(iris_package()))


@pytest.mark.parametrize("make", [compiled_iris_package, iris_package], ids=["compiled", "joblib"])
def test_it_scores_to_the_bit_as_in_this_process(make: object) -> None:
    package: Package = make()  # type: ignore[operator]
    manifest, read = package.describe(1), package.artifacts.__getitem__
    rows = _rows(package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKYLIFT_BUCKET", "secret")
        scores = SandboxedPredictor(manifest, read).scores(rows)

    assert np.array_equal(scores, load_predictor(manifest, read).scores(rows))


class TestWhatAModelMayTry:
    """Each ends in a refusal that says what happened, and nothing is left behind; `tests/e2e` lets models try more."""

    def test_it_finds_no_credentials_no_settings_no_home_and_no_network(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sprung, secret = tmp_path / "sprung", tmp_path / ".aws" / "credentials"
        secret.parent.mkdir()
        secret.write_text("secret")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/secret")
        tries = f"""
import os, pathlib, socket
def succeeds(attempt):
    try:
        return bool(attempt())
    except OSError:
        return False
parent = os.getppid()
done = [name for name, attempt in {{
    "variables": lambda: [name for name in os.environ if name.startswith(("AWS", "SKYLIFT"))],
    "home": lambda: pathlib.Path.home().joinpath(".aws").exists(),
    "file": lambda: open({str(secret)!r}).read(),
    "parent": lambda: open(f"/proc/{{parent}}/environ").read(),
    "socket": socket.socket,
    "write": lambda: open({str(sprung)!r}, "w"),
    "kill": lambda: os.kill(parent, 0) is None,
    "fork": os.fork,
}}.items() if succeeds(attempt)]
raise ImportError("done: " + repr(done) + chr(27) + "[31m")
"""

        with pytest.raises(UnservableModel) as caught:
            _score(tries)

        if sys.platform == "linux":
            assert "(done: []?[31m)" in caught.value.message
            assert not sprung.exists()
        assert "variables" not in caught.value.message
        assert "home" not in caught.value.message

    def test_time_without_end(self) -> None:
        with pytest.raises(UnservableModel, match=r"model\.joblib of v1 did not score within 4 s"):
            _score("import time; time.sleep(1000)", seconds=4)  # processor time, too, of which a start takes some


def _answering(monkeypatch: pytest.MonkeyPatch, answer: Answer, package: Package | None = None) -> SandboxedPredictor:
    package = package or iris_package()
    predictor = SandboxedPredictor(package.describe(1), package.artifacts.__getitem__)
    monkeypatch.setattr(predictor, "_ask", lambda _: answer)
    return predictor


def _answer(scores: Matrix, **fields: object) -> Answer:
    return Answer.model_construct(
        shape=scores.shape, scores=scores.tobytes(), problem=None, unconfined=None
    ).model_copy(update=fields)


class TestAnswers:
    """What the process hands back is checked here: it may be whatever the version's publisher wants."""

    @pytest.fixture
    def golden(self) -> Matrix:
        return load_predictor(iris_package().describe(1), iris_package().artifacts.__getitem__).scores(
            _rows(iris_package())
        )

    def test_the_golden_requests_are_compared_in_this_process(
        self, monkeypatch: pytest.MonkeyPatch, golden: Matrix
    ) -> None:
        predictor = _answering(monkeypatch, _answer(np.vstack([golden[::-1], golden])))

        with pytest.raises(GoldenMismatch, match="golden request 1 of"):
            predictor.scores(_rows(iris_package()))

    def test_every_row_needs_a_score(self, monkeypatch: pytest.MonkeyPatch, golden: Matrix) -> None:
        predictor = _answering(monkeypatch, _answer(np.vstack([golden, golden[:1]])))

        with pytest.raises(UnservableModel, match="another number of rows"):
            predictor.scores(_rows(iris_package()))

    @pytest.mark.parametrize("shape", [(), (2, 2), (0,), (10**30,)])
    def test_scores_of_another_length_than_their_shape_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, golden: Matrix, shape: tuple[int, ...]
    ) -> None:
        predictor = _answering(monkeypatch, _answer(golden, shape=shape))

        with pytest.raises(UnservableModel, match="something other than scores"):
            predictor.scores(_rows(iris_package()))

    def test_a_process_that_could_not_be_confined_is_told(
        self, monkeypatch: pytest.MonkeyPatch, golden: Matrix
    ) -> None:
        predictor = _answering(monkeypatch, _answer(np.vstack([golden, golden]), unconfined="Darwin has no filter"))

        with pytest.warns(UnconfinedExamination, match=r"use the network \(Darwin has no filter\)"):
            predictor.scores(_rows(iris_package()))

    @pytest.mark.parametrize(
        "text",
        [
            '{"shape": [-1, -3]}',
            '{"problem": {"code": "not-ready", "message": "", "hint": ""}}',
            f'{{"problem": {{"code": "unservable-model", "message": "{"long" * 100}", "hint": ""}}}}',
            '{"problem": {"code": "unservable-model", "message": "\\u001b[2J", "hint": ""}}',
            "[0.1, 0.9]",
            "scores",
        ],
    )
    def test_anything_else_fails_validation(self, text: str) -> None:
        with pytest.raises(ValueError, match="validation error"):
            Answer.model_validate_json(text)

    def test_a_text_becomes_one_short_line(self) -> None:
        assert printable("né\n\x1b" + "x" * 1000) == "n???" + "x" * 296


class TestRefusing:
    def test_another_scikit_learn_and_other_answers_keep_their_own_errors(self) -> None:
        package = changed(iris_package(), environment={"scikit-learn": "0.24.2"})

        with pytest.raises(IncompatibleEnvironment, match=r"trained by scikit-learn 0\.24\.2"):
            SandboxedPredictor(package.describe(1), package.artifacts.__getitem__).scores(_rows(package))

    def test_an_altered_file_is_never_handed_over(self) -> None:
        def read(_: str) -> bytes:
            raise IntegrityError("altered")

        with pytest.raises(IntegrityError):
            SandboxedPredictor(iris_package().describe(1), read)

    def test_golden_requests_that_break_the_contract_are_told(self) -> None:
        package = iris_package()
        golden = package.describe(1).golden
        broken = golden.model_copy(update={"instances": ({"sepal_length": "long"},) * len(golden.instances)})
        changed_package = changed(package, golden=broken)

        with pytest.raises(GoldenMismatch, match=r"cannot score the golden requests \(ValueError\)"):
            SandboxedPredictor(changed_package.describe(1), package.artifacts.__getitem__).scores(_rows(package))

    def test_golden_answers_that_were_swapped_are_told(self) -> None:
        package = compiled_iris_package()
        golden = package.describe(1).golden
        swapped = changed(package, golden=Golden(instances=golden.instances, predictions=golden.predictions[::-1]))

        with pytest.raises(GoldenMismatch, match="golden request 1 of"):
            SandboxedPredictor(swapped.describe(1), swapped.artifacts.__getitem__).scores(_rows(package))
