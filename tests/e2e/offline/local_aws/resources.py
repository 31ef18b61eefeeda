"""Resources that ministack refuses, accepted without acting."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

type Document = dict[str, Any]

_INERT = (
    "CodeDeploy::Application",
    "CodeDeploy::DeploymentConfig",
    "ApplicationAutoScaling::ScalableTarget",
    "ApplicationAutoScaling::ScalingPolicy",
    "Budgets::Budget",
)


def accept_inert_types() -> None:
    """Let types that ministack refuses deploy without acting."""

    def inert(attributes: Callable[[str], Document]) -> Document:
        def create(logical_id: str, properties: Document, stack_name: str) -> tuple[str, Document]:
            name = properties.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=100)
            return name, attributes(name)

        def update(physical: str, *_: Any) -> tuple[str, Document]:
            return physical, attributes(physical)

        return {"create": create, "update": update, "delete": lambda *_: None}

    def alarm(name: str) -> Document:
        return {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}

    for kind in _INERT:
        provisioners._RESOURCE_HANDLERS.setdefault(f"AWS::{kind}", inert(lambda _: {}))
    provisioners._RESOURCE_HANDLERS.setdefault("AWS::CloudWatch::CompositeAlarm", inert(alarm))


def accept_oidc_providers() -> None:
    """Let a provider of tokens deploy; nobody exchanges a token for a role here."""

    def create(_: str, properties: Document, __: str) -> tuple[str, Document]:
        arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{properties['Url'].removeprefix('https://')}"
        return arn, {"Arn": arn}

    def update(physical: str, *_: Any) -> tuple[str, Document]:
        return physical, {"Arn": physical}

    handlers = {"create": create, "update": update, "delete": lambda *_: None}
    provisioners._RESOURCE_HANDLERS.setdefault("AWS::IAM::OIDCProvider", handlers)
