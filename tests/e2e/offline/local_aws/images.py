"""The registry of images."""

import base64
import os
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ecr

type Document = dict[str, Any]


def log_in_to_own_registry() -> None:
    """Have `sam deploy` log in at ministack's own registry."""

    def token(_: Document) -> Any:
        login = {
            "authorizationToken": base64.b64encode(b"AWS:x").decode(),
            "expiresAt": int(time.time()) + 43200,
            "proxyEndpoint": f"http://localhost:{os.environ['GATEWAY_PORT']}",
        }
        return json_response({"authorizationData": [login]})

    ecr._get_authorization_token = token


def refuse_tags_that_exist() -> None:
    """Refuse a push under a tag that an immutable repository has, also of the same image, as ECR does."""
    put = ecr._v2_put_manifest

    def put_once(name: str, reference: str, headers: Any, body: Any) -> Any:
        immutable = ecr._repositories.get(name, {}).get("imageTagMutability") == "IMMUTABLE"
        if immutable and any(reference in image.get("imageTags", []) for image in ecr._images.get(name, [])):
            message = (
                f"The image tag '{reference}' already exists in the '{name}' repository and cannot be overwritten "
                "because the repository is immutable."
            )
            return ecr._registry_error(400, "TAG_INVALID", message, {})
        return put(name, reference, headers, body)

    ecr._v2_put_manifest = put_once


def miss_images_that_are_not_there() -> None:
    """Refuse to describe an image by a tag or digest that a repository lacks."""
    describe = ecr._describe_images

    def described(data: Document) -> Any:
        name = data.get("repositoryName", "")
        if name in ecr._repositories and not all(ecr._find_image(name, each) for each in data.get("imageIds") or []):
            return error_response_json("ImageNotFoundException", f"The image does not exist in '{name}'", 400)
        return describe(data)

    ecr._describe_images = described
