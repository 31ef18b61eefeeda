"""moto in less time than it takes by itself.

For each call it compares the URL with the patterns of all services, looks up where the one in question answers, for
S3 by loading a module again, and lists what it can do and which errors it has. That takes longer than the answer, and
the tests make tens of thousands of calls.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto import backend_index
from moto.core import errors, responses
from moto.core.base_backend import BaseBackend

_SERVICES = {"awslambda", "cloudwatch", "ecr", "iam", "kms", "logs", "moto_api._internal", "s3", "sns", "ssm", "sts"}

_look_up: Callable[[BaseBackend], dict[str, Any]] = BaseBackend.urls.fget  # type: ignore[attr-defined]
_addresses: dict[type[BaseBackend], dict[str, Any]] = {}


def _known(backend: BaseBackend) -> dict[str, Any]:
    kind = type(backend)
    if kind not in _addresses:
        _addresses[kind] = _look_up(backend)
    return _addresses[kind]


def quicken_moto() -> None:
    """Leave the services that tests call, and look up once what they are; calls of others are answered with 404."""
    patterns = backend_index.backend_url_patterns
    patterns[:] = [(service, pattern) for service, pattern in patterns if service in _SERVICES]
    BaseBackend.urls = property(_known)  # type: ignore[assignment,method-assign]
    responses.method_names_from_class = cache(responses.method_names_from_class)  # type: ignore[attr-defined]
    errors.ErrorLookupFactory = cache(errors.ErrorLookupFactory)  # type: ignore[assignment,misc]
