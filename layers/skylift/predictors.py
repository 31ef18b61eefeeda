"""Loads the predictor of a version, after its digests, its environment and its golden requests were checked."""

import io
import warnings
from collections.abc import Callable
from importlib.metadata import version as installed_version
from typing import Any

from skylift.errors import IncompatibleEnvironment, UnservableModel
from skylift.manifest import MODEL_FILE, Manifest
from skylift.scoring import Matrix, Predictor, check_golden


class SklearnPredictor:
    """A fitted scikit-learn estimator or pipeline.

    Parameters
    ----------
    estimator
        With `predict_proba` for classification, whose classes are the codes 0, 1, ... of the contract's classes;
        with `predict` for regression.
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

    def scores(self, rows: Matrix) -> Matrix:
        """Score encoded rows; see `Predictor.scores`."""
        result: Matrix = self._score(rows)
        return result


def load_predictor(manifest: Manifest, read: Callable[[str], bytes]) -> Predictor:
    """Load what serves a version and prove that it scores as in training.

    Parameters
    ----------
    manifest
        Of the version, checked against its reference.
    read
        Gives a file of the version by name, checked against the manifest: `VersionStore.artifact`.

    Raises
    ------
    IncompatibleEnvironment
        It was trained by another scikit-learn than the one installed here.
    GoldenMismatch
        It scores its golden requests otherwise than in training.
    UnservableModel
        It cannot be loaded.
    """
    check_environment(manifest)
    predictor = SklearnPredictor(_load_joblib(read(MODEL_FILE), manifest), manifest.contract.task)
    check_golden(manifest.contract, manifest.golden, predictor)
    return predictor


def check_environment(manifest: Manifest) -> None:
    """Refuse a joblib model of another scikit-learn: its pickles promise nothing across versions.

    Raises
    ------
    IncompatibleEnvironment
        The versions differ.
    """
    trained, installed = manifest.environment.get("scikit-learn"), installed_version("scikit-learn")
    if trained != installed:
        raise IncompatibleEnvironment(
            f"{manifest.name} was trained by scikit-learn {trained}, and {installed} is installed here",
            "train again with the pinned requirements, or deploy the service with the version it was trained by",
        )


def _load_joblib(data: bytes, manifest: Manifest) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return joblib.load(io.BytesIO(data))
        except InconsistentVersionWarning as error:
            raise IncompatibleEnvironment(
                f"{MODEL_FILE} of {manifest.name} holds an estimator of scikit-learn {error.original_sklearn_version}",
                "train again with the pinned requirements",
            ) from error
        except (ImportError, AttributeError) as error:
            raise UnservableModel(
                f"{MODEL_FILE} of {manifest.name} needs code that is not installed here ({error})",
                "add the package to functions/inference/requirements.txt, or use a scikit-learn estimator",
            ) from error
        except Exception as error:  # unpickling bytes that are no pickle may raise anything
            raise UnservableModel(
                f"{MODEL_FILE} of {manifest.name} cannot be loaded ({type(error).__name__})",
                "publish the version again",
            ) from error
