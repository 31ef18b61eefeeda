"""Loads the predictor of a version, after its digests, its environment and its golden requests were checked."""

import ctypes
import io
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from skylift.encoding import RowEncoder, load_encoder
from skylift.errors import FOREIGN_FAILURES, IncompatibleEnvironment, UnservableModel
from skylift.libraries import LIBRARIES, installed_release
from skylift.manifest import CODE_FILE, COMPILED_FILE, MODEL_FILE, Manifest
from skylift.scoring import Matrix, Predictor, as_distributions, check_golden

if TYPE_CHECKING:
    from onnxruntime import RunOptions

    from skylift.own_code import OwnCode

EXACT_PRODUCER = "skylift"
"""Producer's name in the compiled forms that Skylift's own converters make."""

_ONNX_ERRORS_ONLY = 3
_EXTERNAL_DATA = re.compile(rb"[\x08\x00]location")
"""The key of tensors that are kept in another file, behind the last byte of its length in any encoding of protobuf."""


class SklearnPredictor:
    """A fitted scikit-learn estimator or pipeline.

    Parameters
    ----------
    estimator
        Fitted estimator with `predict_proba` for classification, whose classes are the codes 0, 1, ... of the
        contract's classes; with `predict` for regression.
    task
        `classification` or `regression`.

    Raises
    ------
    UnservableModel
        The estimator has no such method.
    """

    def __init__(self, estimator: Any, task: str) -> None:
        method = "predict_proba" if task == "classification" else "predict"
        score = getattr(estimator, method, None)
        if score is None:
            raise UnservableModel(f"{type(estimator).__name__} has no {method}", "use an estimator that has")
        self._score = score
        self._classifies = task == "classification"

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows; see `Predictor.scores`."""
        result: Matrix = self._score(rows)
        return as_distributions(result) if self._classifies else result


class OnnxPredictor:
    """A compiled model.

    Parameters
    ----------
    data
        Bytes of the ONNX file: one input of encoded rows, one output of probabilities or values.

    Raises
    ------
    UnservableModel
        onnxruntime cannot run it, it refers to other files, which no digest names, or it has other inputs and outputs.
    """

    def __init__(self, data: bytes) -> None:
        from onnxruntime import InferenceSession, SessionOptions

        if _EXTERNAL_DATA.search(data):
            raise UnservableModel(f"{COMPILED_FILE} refers to data in other files", "publish it as one file")
        options = SessionOptions()
        # One request at a time on a fraction of a core: threads and arenas only cost start and memory.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _ONNX_ERRORS_ONLY
        options.add_session_config_entry("session.load_model_format", "ONNX")  # not onnxruntime's own, if it looks so
        try:
            self._session = InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except onnx_failures() as error:
            raise UnservableModel(f"{COMPILED_FILE} cannot be run ({type(error).__name__})", "publish again") from error
        self._session._model_bytes = None  # noqa: SLF001 (kept in order to load it again for other providers)
        try:
            (rows,), (output,) = self._session.get_inputs(), self._session.get_outputs()
        except ValueError as error:
            raise UnservableModel(f"{COMPILED_FILE} has not one input and one output", "publish again") from error
        self._input, self._outputs = rows.name, [output.name]
        self._dtype = np.float32 if rows.type == "tensor(float)" else np.float64
        self._single = len(output.shape) == 2 and output.shape[1] == 1
        # Skylift's own converters end in distributions, which the hot path need not make again.
        self._exact = self._session.get_modelmeta().producer_name == EXACT_PRODUCER

    def scores(self, rows: Matrix, options: "RunOptions | None" = None) -> Matrix:
        """Score encoded rows; see `Predictor.scores`.

        Parameters
        ----------
        options
            Options of this run, by which another thread can break it off.

        Raises
        ------
        UnservableModel
            onnxruntime fails, for example because the model takes rows of another width.
        """
        try:
            scored = self._session.run(self._outputs, {self._input: rows.astype(self._dtype, copy=False)}, options)[0]
        except onnx_failures() as error:
            raise UnservableModel(f"{COMPILED_FILE} cannot score ({type(error).__name__})", "publish again") from error
        result: Matrix = scored.astype(np.float64, copy=False)
        if self._single:
            return result[:, 0]
        return result if self._exact else as_distributions(result)


def onnx_failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: it has no common base class either."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
        state.RuntimeException,
    )


def load_predictor(manifest: Manifest, read: Callable[[str], bytes], encoder: RowEncoder | None = None) -> Predictor:
    """Load what serves a version and prove that it scores as in training.

    That is its compiled form where it has one, without importing scikit-learn; else the joblib model.

    Parameters
    ----------
    manifest
        Manifest of the version, checked against its reference.
    read
        Function that returns a file of the version by name, checked against the manifest: `VersionStore.artifact`.
    encoder
        What encodes the version's instances; loaded if absent.

    Raises
    ------
    IncompatibleEnvironment
        There is no compiled form, and it was trained by another scikit-learn than the one installed here.
    GoldenMismatch
        It scores its golden requests differently from training.
    UnservableModel
        It cannot be loaded.
    """
    predictor = load_form(manifest, read)
    check_golden(encoder or load_encoder(manifest, read), manifest.golden, predictor)
    _give_back_memory()
    return predictor


def load_form(manifest: Manifest, read: Callable[[str], bytes]) -> Predictor:
    """Load what serves a version, of which nothing is proven yet; see `load_predictor`.

    Raises
    ------
    IncompatibleEnvironment, UnservableModel
    """
    return OnnxPredictor(read(COMPILED_FILE)) if manifest.compiled.format else load_reference(manifest, read)


def _give_back_memory() -> None:
    """Return what parsing has freed to the system: glibc keeps it, a dozen times the file's size for a forest."""
    with suppress(AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def load_reference(manifest: Manifest, read: Callable[[str], bytes]) -> SklearnPredictor:
    """Load the joblib model of a version; see `load_predictor`.

    Raises
    ------
    IncompatibleEnvironment, UnservableModel
    """
    from skylift.own_code import NO_CODE, OwnCode  # costs a compiled model nothing here

    check_environment(manifest)
    code = NO_CODE
    if CODE_FILE in manifest.artifacts:
        code = OwnCode.from_bytes(read(CODE_FILE), source=f"{CODE_FILE} of {manifest.name}")
    estimator = unpickle(
        read(MODEL_FILE),
        f"{MODEL_FILE} of {manifest.name}",
        code,
        again="train again with the pinned requirements",
        missing="add the package to functions/inference/requirements.txt, or use a scikit-learn estimator",
        broken="publish the version again",
    )
    return SklearnPredictor(estimator, manifest.contract.task)


def check_environment(manifest: Manifest) -> None:
    """Refuse a joblib model of another scikit-learn or boosting library: pickles promise nothing across versions.

    Raises
    ------
    IncompatibleEnvironment
        The versions differ, or a library is not installed.
    """
    from importlib.metadata import version as installed_version  # costs a compiled model nothing here

    trained, installed = manifest.environment.get("scikit-learn"), installed_version("scikit-learn")
    if trained != installed:
        raise IncompatibleEnvironment(
            f"{manifest.name} was trained by scikit-learn {trained}, and {installed} is installed here",
            "train again with the pinned requirements, or deploy the service with the version it was trained by",
        )
    for library in LIBRARIES:
        needed = manifest.environment.get(library)
        if needed is not None and (found := installed_release(library)) != needed:
            raise IncompatibleEnvironment(
                f"{manifest.name} is a model of {library} {needed} that was not compiled, and "
                f"{f'{found} is' if found else 'it is not'} installed here",
                f"train a candidate that compiles, or deploy the service with {library} {needed} in its requirements",
            )


def unpickle(data: bytes, name: str, code: "OwnCode", *, again: str, missing: str, broken: str) -> Any:
    """The estimator of a joblib file, which runs whatever the file says.

    Parameters
    ----------
    name
        Name of the file, for errors.
    code
        Modules of the user's own that it may be made of.
    again, missing, broken
        What to do about another scikit-learn, about code that is not installed, and about a file that cannot be read.

    Raises
    ------
    IncompatibleEnvironment
        Another scikit-learn stored it.
    UnservableModel
        It cannot be loaded.
    """
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            with code.importable():
                return joblib.load(io.BytesIO(data))
        except InconsistentVersionWarning as error:
            raise IncompatibleEnvironment(
                f"{name} holds an estimator of scikit-learn {error.original_sklearn_version}, and "
                f"{error.current_sklearn_version} is installed here",
                again,
            ) from error
        except (ImportError, AttributeError) as error:
            raise UnservableModel(f"{name} needs code that is not installed here ({error})", missing) from error
        except FOREIGN_FAILURES as error:
            raise UnservableModel(f"{name} cannot be loaded ({type(error).__name__})", broken) from error
