"""Who sent a request, as the API in front of the function authenticated it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Scope

_PATHS = (
    ("authorizer", "jwt", "claims", "sub"),  # HTTP API: a token
    ("authorizer", "iam", "userArn"),  # HTTP API and function URL: a signature
    ("authorizer", "claims", "sub"),  # REST API: a token of Cognito
    ("identity", "userArn"),  # REST API: a signature
    ("authorizer", "principalId"),  # REST API: an authorizer of one's own
)
_OF_BALANCER = b"x-amzn-oidc-identity"
"""A header that an Application Load Balancer sets itself; from another sender anybody could have written it."""


def caller_of(scope: "Scope") -> str | None:
    """Subject of the caller's token, or ARN of who signed; None where nobody was authenticated."""
    event: dict[str, Any] = scope.get("aws.event") or {}
    context = event.get("requestContext")
    for path in _PATHS:
        if found := _text_at(context, path):
            return found
    if isinstance(context, dict) and "elb" in context:
        return next((value.decode("latin-1") for name, value in scope["headers"] if name == _OF_BALANCER), None)
    return None


def _text_at(document: Any, path: tuple[str, ...]) -> str | None:
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document if isinstance(document, str) else None
