"""The services that are measured, laid out as their images would be, and how each is started."""

import compileall
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dependencies import BASELINE_ROOTS, RUNTIME_ROOTS, lay_out_site, skylift_roots
from benchmarks.models import SHADOW_STAGE, Model, Models
from benchmarks.results import BAKED, BASELINE, EMPTY_HANDLER, EMPTY_ROUTE, SHADOW, SKYLIFT
from tests.support.lambda_runtime import lay_out
from tests.support.moto_server import MotoServer

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    Parameters
    ----------
    name
        Name in the results.
    task_root
        Folder of its code.
    handler
        Dotted name of its Lambda handler.
    site
        Folder of its dependencies, and no others.
    variables
        Environment variables, in addition to those of the model and of AWS.
    serve
        Arguments of the Python that serves it over HTTP, without the port; empty if it cannot be served over HTTP.
    """

    name: str
    task_root: Path
    handler: str
    site: Path
    variables: dict[str, str]
    serve: tuple[str, ...] = ()

    @property
    def predicts(self) -> bool:
        """Whether it answers with predictions, or is a floor."""
        return not self.name.startswith("empty")


class Services:
    """All services, in a folder.

    Parameters
    ----------
    folder
        Folder to fill.
    aws, models
        Local AWS, and the models published there.
    """

    def __init__(self, folder: Path, aws: MotoServer, models: Models) -> None:
        self._aws, self._models = aws, models
        task_root = folder / "task"
        lay_out(task_root)
        for package in ("baseline", "floors"):
            shutil.copytree(_HERE / package, task_root / package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(task_root, quiet=1)
        self.image_cache = folder / "image"
        ours, theirs = folder / "ours", folder / "theirs"
        for site, roots in ((ours, skylift_roots()), (theirs, BASELINE_ROOTS)):
            site.mkdir()
            lay_out_site(site, (*roots, *RUNTIME_ROOTS))
        settings = {"SKYLIFT_REFRESH_SECONDS": "15"}
        uvicorn = ("-m", "uvicorn", "--log-level", "warning", "--no-access-log")
        self.skylift = Service(SKYLIFT, task_root, "inference.handler.handler", ours, settings, ("-m", "inference"))
        self.baked = Service(
            BAKED,
            task_root,
            "inference.handler.handler",
            ours,
            settings | {"SKYLIFT_IMAGE_CACHE": str(self.image_cache)},
        )
        self.shadow = Service(
            SHADOW, task_root, "inference.handler.handler", ours, settings | {"SKYLIFT_STAGE": SHADOW_STAGE}
        )
        self.baseline = Service(
            BASELINE, task_root, "baseline.service.handler", theirs, {}, (*uvicorn, "baseline.service:app")
        )
        self.empty_route = Service(
            EMPTY_ROUTE, task_root, "floors.empty_route.handler", theirs, {}, (*uvicorn, "floors.empty_route:app")
        )
        self.empty_handler = Service(EMPTY_HANDLER, task_root, "floors.empty_handler.handler", theirs, {})

    def environment(self, service: Service, model: Model) -> dict[str, str]:
        """All variables of a service's process that serves a model."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            **self._aws.environment,
            **self._models.environment(model),
            **service.variables,
            "PYTHONPATH": os.pathsep.join([str(service.task_root), str(service.site)]),
        }

    @staticmethod
    def python() -> list[str]:
        """Python without the packages of the development environment."""
        return [sys.executable, "-S", "-P"]
