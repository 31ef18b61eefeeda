"""The versions and the alias of a function, as far as a deployment asks Lambda for them."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

FUNCTION = "skylift-dev-InferenceFunction"


class FunctionVersions:
    """Lambda with one function.

    Parameters
    ----------
    descriptions
        Descriptions of the published versions by number.
    live
        Number of the version that the alias names; None without an alias.
    weights
        Shares of further versions.
    failed
        Numbers of versions that Lambda cannot run.
    releases
        Releases by number of the version.

    Attributes
    ----------
    moves
        Number of times the alias was moved.
    """

    def __init__(
        self,
        descriptions: dict[int, str],
        *,
        live: int | None,
        weights: dict[str, float] | None = None,
        failed: set[int] | None = None,
        releases: dict[int, str] | None = None,
    ) -> None:
        self.descriptions, self.live, self.weights = descriptions, live, weights or {}
        self.moves = 0
        self._failed = failed or set()
        self._releases = releases or {}

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803 (boto3's own spelling)
        assert (FunctionName, Name) == (FUNCTION, "live")
        if self.live is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetAlias")
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}} if self.weights else {}
        return {"FunctionVersion": str(self.live)} | routing

    def update_alias(
        self,
        *,
        FunctionName: str,  # noqa: N803
        Name: str,  # noqa: N803
        FunctionVersion: str,  # noqa: N803
        RoutingConfig: dict[str, dict[str, float]],  # noqa: N803
    ) -> None:
        assert (FunctionName, Name) == (FUNCTION, "live")
        assert int(FunctionVersion) in self.descriptions
        self.live, self.weights = int(FunctionVersion), RoutingConfig["AdditionalVersionWeights"]
        self.moves += 1

    def get_paginator(self, operation: str) -> "FunctionVersions":
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, *, FunctionName: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert FunctionName == FUNCTION
        yield {"Versions": [{"Version": "$LATEST", "Description": ""}]}
        for number, description in self.descriptions.items():
            release = {"SKYLIFT_RELEASE": self._releases[number]} if number in self._releases else {}
            version = {
                "Version": str(number),
                "Description": description,
                "LastModified": f"2026-11-{number:02}T09:30:00.000+0000",
                "CodeSha256": f"{number:x}" * 64,
                "Environment": {"Variables": release},
            }
            yield {"Versions": [version]}

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:  # noqa: N803
        assert FunctionName == FUNCTION
        if int(Qualifier) == self.live or Qualifier in self.weights:
            raise ClientError({"Error": {"Code": "ResourceConflictException"}}, "DeleteFunction")
        del self.descriptions[int(Qualifier)]

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == FUNCTION
        return {"State": "Failed" if int(Qualifier) in self._failed else "Active"}
