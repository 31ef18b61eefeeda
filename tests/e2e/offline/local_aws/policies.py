"""What policies are asked with."""

import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region

type Document = dict[str, Any]


def tell_policies_how_objects_are_written() -> None:
    """Give the policies of buckets the condition keys of conditional writes."""
    known = iam_actions.s3_service_context

    def with_writes(action: str, query: Document | None, path: str = "", headers: Document | None = None) -> Document:
        keys: Document = known(action, query, path, headers)
        if action == "s3:PutObject":
            creates = not {"partNumber", "uploads"} & (query or {}).keys()
            keys = keys | {"s3:ObjectCreationOperation": str(creates).lower()}
            if condition := (headers or {}).get("if-none-match"):
                keys = keys | {"s3:if-none-match": condition}
        return keys

    iam_actions.s3_service_context = with_writes


def ask_for_all_alarms() -> None:
    """Ask for `alarm:*` where alarms are described, whichever are named, as CloudWatch does."""
    known = iam_actions.extract_resource_arn

    def resource(service: str, *request: Any) -> Any:
        if iam_actions.extract_iam_action(service, *request[:5]) == "cloudwatch:DescribeAlarms":
            return f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:*"
        return known(service, *request)

    iam_actions.extract_resource_arn = resource


def ask_for_each_parameter() -> None:
    """Ask for each parameter where some are read by one call: one that may not be read refuses the call."""
    known = iam_actions.extract_resource_arn

    def resource(service: str, method: str, path: str, headers: Document, body: bytes, *rest: Any) -> Any:
        action = iam_actions.extract_iam_action(service, method, path, headers, body, *rest[:1])
        if action != "ssm:GetParameters":
            return known(service, method, path, headers, body, *rest)
        place = f"arn:aws:ssm:{get_region()}:{get_account_id()}:parameter"
        arns = [f"{place}/{name.lstrip('/')}" for name in json.loads(body)["Names"]]
        key = router.extract_access_key_id(headers, {})
        refused = (arn for arn in arns if iam_evaluator.enforce(key, action, service, get_region(), resource_arn=arn))
        return next(refused, arns[0])

    iam_actions.extract_resource_arn = resource


def ask_for_the_stream_of_a_log_group() -> None:
    """Ask for the stream where lines are put into one, and for all where they are found, as CloudWatch Logs does."""
    known = iam_actions.extract_resource_arn

    def resource(service: str, method: str, path: str, headers: Document, body: bytes, *rest: Any) -> Any:
        arn = known(service, method, path, headers, body, *rest)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, *rest[:1])
        if action not in {"logs:PutLogEvents", "logs:FilterLogEvents"}:
            return arn
        return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"

    iam_actions.extract_resource_arn = resource


def ask_for_what_is_done_to_an_alias() -> None:
    """Ask for GetAlias, UpdateAlias and DeleteAlias where one alias is named."""
    known = iam_actions._lambda_action

    def action(method: str, path: str) -> Any:
        *_, of, alias = ["", "", *path.strip("/").split("/")]
        verbs = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}
        return verbs[method] if of == "aliases" and alias and method in verbs else known(method, path)

    iam_actions._lambda_action = action
