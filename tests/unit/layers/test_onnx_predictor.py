"""The compiled form: it serves if it exists, answers as in training, and is refused otherwise."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Never

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, ValueInfoProto, helper

from skylift.errors import GoldenMismatch, IncompatibleEnvironment, IntegrityError, SkyliftError, UnservableModel
from skylift.manifest import COMPILED_FILE, MODEL_FILE, Golden, Manifest
from skylift.predictors import OnnxPredictor, SklearnPredictor, load_predictor, load_reference
from skylift.scoring import Matrix, Predictor
from tests.support.models import compiled_iris_package, iris_package, trained_iris
from tests.support.tables import RIDGE, learned, lines
from training.release.packaging import Package, pack


@pytest.fixture
def rows() -> Matrix:
    """All irises."""
    return trained_iris().table.rows


def _manifest(**fields: object) -> Manifest:
    return compiled_iris_package().describe(1).model_copy(update=fields)


def _compiled_file(candidate: str = "logistic") -> bytes:
    return compiled_iris_package(candidate).artifacts[COMPILED_FILE]


def _load(data: bytes, manifest: Manifest | None = None) -> Predictor:
    """Load a version of which there is nothing but the compiled file."""
    return load_predictor(manifest or _manifest(), {COMPILED_FILE: data}.__getitem__)


def _never_read(name: str) -> Never:
    raise AssertionError(f"{name} was read")


@cache
def _regression() -> Package:
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{3 * number + number % 7 / 4}")
    with TemporaryDirectory() as folder:
        trained = learned(Path(folder), text, RIDGE)
    return pack(trained)


def _graph(inputs: int = 1, outputs: int = 1, *, kind: int = TensorProto.FLOAT) -> bytes:
    """A valid ONNX file that is not a model: each output is the first input."""

    def tensors(prefix: str, count: int) -> list[ValueInfoProto]:
        return [helper.make_tensor_value_info(f"{prefix}{number}", kind, [None, 4]) for number in range(count)]

    nodes = [helper.make_node("Identity", ["in0"], [f"out{number}"]) for number in range(outputs)]
    graph = helper.make_graph(nodes, "g", tensors("in", inputs), tensors("out", outputs))
    opset = helper.make_opsetid("", 14)
    data: bytes = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    return data


def _external(folder: Path) -> bytes:
    """An ONNX file that adds weights from a file in a folder: onnxruntime reads it from the working directory."""
    (folder / "weights").write_bytes(np.ones(4, dtype=np.float32).tobytes())
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "weights"), ("offset", "0"), ("length", "16")):
        weights.external_data.add(key=key, value=value)
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in ("in", "out")]
    graph = helper.make_graph([helper.make_node("Add", ["in", "w"], ["out"])], "g", tensors[:1], tensors[1:], [weights])
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8
    ).SerializeToString()
    return data


class TestLoading:
    def test_the_bytes_of_the_file_are_not_kept(self) -> None:
        data = bytes(bytearray(_compiled_file()))  # an object of its own
        before = sys.getrefcount(data)

        predictor = OnnxPredictor(data)

        assert sys.getrefcount(data) == before
        assert predictor.scores(np.ones((1, 4))).shape == (1, 3)

    def test_the_compiled_form_is_preferred_and_the_joblib_model_is_not_even_read(self) -> None:
        assert isinstance(_load(_compiled_file()), OnnxPredictor)

    def test_a_version_without_a_compiled_form_is_served_by_scikit_learn(self) -> None:
        package = iris_package()

        assert isinstance(load_predictor(package.describe(1), package.artifacts.__getitem__), SklearnPredictor)

    @pytest.mark.parametrize("environment", [{"scikit-learn": "0.24.2"}, {}])
    def test_a_compiled_version_of_another_scikit_learn_is_served(
        self, environment: dict[str, str], rows: Matrix
    ) -> None:
        predictor = _load(_compiled_file(), _manifest(environment=environment))

        assert predictor.scores(rows).shape == (150, 3)

    def test_the_joblib_model_of_the_same_version_is_refused_unread(self) -> None:
        with pytest.raises(IncompatibleEnvironment, match=r"0\.24\.2"):
            load_reference(_manifest(environment={"scikit-learn": "0.24.2"}), _never_read)

    def test_the_reference_of_a_compiled_version_can_be_loaded_as_well(self, rows: Matrix) -> None:
        reference = load_reference(_manifest(), compiled_iris_package().artifacts.__getitem__)

        np.testing.assert_allclose(reference.scores(rows), trained_iris().estimator.predict_proba(rows), rtol=1e-12)

    def test_a_package_holds_both_forms(self) -> None:
        assert {COMPILED_FILE, MODEL_FILE} <= _manifest().artifacts.keys()


class TestScoring:
    @pytest.mark.parametrize("candidate", ["logistic", "tree"])
    def test_it_answers_as_the_trained_model(self, candidate: str, rows: Matrix) -> None:
        package = compiled_iris_package(candidate)
        predictor = load_predictor(package.describe(1), package.artifacts.__getitem__)

        np.testing.assert_allclose(
            predictor.scores(rows), trained_iris(candidate).estimator.predict_proba(rows), rtol=1e-5, atol=1e-5
        )

    @pytest.mark.parametrize("candidate", ["logistic", "tree"])
    def test_scores_are_float64_whatever_the_form_computes_in(self, candidate: str, rows: Matrix) -> None:
        assert OnnxPredictor(_compiled_file(candidate)).scores(rows).dtype == np.float64

    def test_a_regression_answers_with_one_value_per_row(self) -> None:
        scores = OnnxPredictor(_regression().artifacts[COMPILED_FILE]).scores(np.array([[2.0, 1.0], [3.0, 1.0]]))

        assert scores.shape == (2,)
        assert scores.dtype == np.float64

    def test_a_regression_of_one_row_is_still_a_vector(self) -> None:
        scores = OnnxPredictor(_regression().artifacts[COMPILED_FILE]).scores(np.array([[2.0, 1.0]]))

        assert scores.shape == (1,)

    def test_a_packed_regression_loads_and_passes_its_golden_requests(self) -> None:
        package = _regression()

        assert isinstance(load_predictor(package.describe(1), package.artifacts.__getitem__), OnnxPredictor)

    def test_rows_are_left_as_they_were(self, rows: Matrix) -> None:
        sent = rows.copy()
        sent.flags.writeable = False

        OnnxPredictor(_compiled_file()).scores(sent)

        assert np.array_equal(sent, rows)

    def test_scoring_changes_nothing_of_the_predictor(self, rows: Matrix) -> None:
        predictor = OnnxPredictor(_compiled_file())
        before = dict(vars(predictor))
        first = predictor.scores(rows)

        predictor.scores(rows[::-1] * 100)

        assert vars(predictor) == before
        assert np.array_equal(predictor.scores(rows), first)

    def test_answers_belong_to_who_asked(self, rows: Matrix) -> None:
        predictor = OnnxPredictor(_compiled_file())
        first = predictor.scores(rows)
        kept = first.copy()

        predictor.scores(rows[:10])[:] = -1

        assert np.array_equal(first, kept)

    def test_threads_at_once_get_their_own_answers(self, rows: Matrix) -> None:
        predictor = OnnxPredictor(_compiled_file())
        chunks = [rows[start::8] for start in range(8)]
        expected = [predictor.scores(chunk) for chunk in chunks]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(predictor.scores, chunks))

        assert all(np.array_equal(got, wanted) for got, wanted in zip(answers, expected, strict=True))


class TestRefusing:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda _: b"",
            lambda _: b"no model",
            lambda _: b'{"json": true}',
            lambda _: bytes(100),
            lambda data: data[:-20],
            lambda _: iris_package().artifacts[MODEL_FILE],
        ],
        ids=["empty", "text", "JSON", "zeros", "truncated", "joblib"],
    )
    def test_bytes_that_are_not_a_model_are_refused(self, damage: Callable[[bytes], bytes]) -> None:
        with pytest.raises(UnservableModel, match=r"model\.onnx cannot be run") as caught:
            _load(damage(_compiled_file()))

        assert caught.value.hint == "publish again"

    def test_no_reason_of_the_library_gets_out(self) -> None:
        with pytest.raises(UnservableModel) as caught:
            _load(b"no model")

        assert "ONNXRuntimeError" not in str(caught.value)

    @pytest.mark.parametrize(("inputs", "outputs"), [(2, 1), (1, 2)])
    def test_a_graph_of_several_inputs_or_outputs_is_refused(self, inputs: int, outputs: int) -> None:
        with pytest.raises(UnservableModel, match="has not one input and one output"):
            _load(_graph(inputs, outputs))

    @pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.STRING], ids=["integers", "texts"])
    def test_a_graph_that_takes_no_floats_is_refused(self, kind: int) -> None:
        with pytest.raises(UnservableModel, match=r"model\.onnx cannot score"):
            _load(_graph(kind=kind))

    def test_a_graph_of_another_width_than_the_contract_is_refused(self) -> None:
        contract = _manifest().contract
        fewer = contract.model_copy(update={"features": contract.features[:3]})

        with pytest.raises(UnservableModel, match=r"model\.onnx cannot score"):
            _load(_compiled_file(), _manifest(contract=fewer))

    def test_a_model_that_reads_other_files_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        data = _external(tmp_path)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        (read,) = onnxruntime.InferenceSession(data, options).run(None, {"in": np.zeros((1, 4), np.float32)})
        assert read.tolist() == [[1, 1, 1, 1]]

        with pytest.raises(UnservableModel, match=r"model\.onnx refers to data in other files"):
            _load(data)

    @pytest.mark.parametrize("length", [b"\x08", b"\x88\x00", b"\x88\x80\x00"])
    def test_however_its_file_is_encoded(self, length: bytes) -> None:
        with pytest.raises(UnservableModel, match="refers to data in other files"):
            _load(b"\x0a" + length + b"location")

    def test_a_file_of_another_format_than_onnx_is_refused(self, tmp_path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(tmp_path / "model.ort")
        options.add_session_config_entry("session.save_model_format", "ORT")
        onnxruntime.InferenceSession(_graph(), options)

        with pytest.raises(UnservableModel, match=r"cannot be run \(InvalidProtobuf\)"):
            _load((tmp_path / "model.ort").read_bytes())

    def test_a_feature_and_a_category_may_have_that_name(self, tmp_path: Path) -> None:
        text = lines("location,x,y", lambda row: f"{('location', 'other')[row % 2]},{row},{3 * row + row % 7}")

        assert learned(tmp_path, text, RIDGE).compiled.outcome.format == "onnx"

    def test_a_graph_of_another_number_of_classes_is_refused(self) -> None:
        with pytest.raises(GoldenMismatch, match=r"shape \(\d+, 4\), not \(\d+, 3\)"):
            _load(_graph())

    def test_another_model_than_the_one_that_was_trained_is_refused(self) -> None:
        with pytest.raises(GoldenMismatch, match="as in training"):
            _load(_compiled_file("tree"))

    def test_an_altered_golden_answer_is_refused(self) -> None:
        golden = _manifest().golden
        altered = Golden(instances=golden.instances, predictions=golden.predictions[::-1])

        with pytest.raises(GoldenMismatch, match="as in training"):
            _load(_compiled_file(), _manifest(golden=altered))

    def test_a_compiled_form_that_is_not_there_is_no_reason_to_open_the_joblib_model(self) -> None:
        def read(name: str) -> bytes:
            assert name == COMPILED_FILE, f"{name} was read"
            raise IntegrityError("model.onnx of v1 is missing")

        with pytest.raises(SkyliftError, match="is missing"):
            load_predictor(_manifest(), read)


def test_the_answers_are_those_of_onnxruntime_itself(rows: Matrix) -> None:
    session = onnxruntime.InferenceSession(_compiled_file("tree"))

    (expected,) = session.run(None, {"rows": rows})

    assert np.array_equal(OnnxPredictor(_compiled_file("tree")).scores(rows), expected)
