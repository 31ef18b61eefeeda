"""An image repository that takes each tag once, as far as a deployment asks ECR for it."""

import base64
from typing import Any

from botocore.exceptions import ClientError


class Repository:
    """ECR with one repository.

    Parameters
    ----------
    digests
        Digests by tag.
    """

    def __init__(self, digests: dict[str, str] | None = None) -> None:
        self.digests = digests or {}

    def describe_images(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert repositoryName == "skylift"
        (asked,) = imageIds
        if asked["imageTag"] not in self.digests:
            raise ClientError({"Error": {"Code": "ImageNotFoundException"}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": self.digests[asked["imageTag"]]}]}

    def get_authorization_token(self) -> dict[str, Any]:
        return {"authorizationData": [{"authorizationToken": base64.b64encode(b"AWS:secret").decode()}]}
