"""CodeDeploy: deployment groups of a template, deployments that CloudFormation asks for, and the API.

It acts by the role of its group, through this AWS's own API, so policies are asked.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import ministack.app as gateway
from ministack.core import iam_actions, router
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import _stacks, changesets, handlers, provisioners, stacks

from tests.e2e.offline.local_aws.roles import client_of
from tests.support.codedeploy import SERVICE, CodeDeploy
from tests.support.deployments import AppSpec, Deployment, Deployments, Group, Refused

type Document = dict[str, Any]

MINUTE_SECONDS = 2.0
_POLL_SECONDS = 0.2
_log = logging.getLogger("codedeploy")
_template: ContextVar[Document] = ContextVar("template")


def deploy_aliases() -> None:
    """Have a change of an alias's version deployed as its UpdatePolicy says, and answer CodeDeploy's API."""
    deployments = Deployments(_client, clock=time.monotonic, minute=MINUTE_SECONDS)
    codedeploy = CodeDeploy(deployments)
    provisioners._RESOURCE_HANDLERS["AWS::CodeDeploy::DeploymentGroup"] = _groups(codedeploy)
    alias = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Alias"]
    alias["update"] = _updating(alias["update"], codedeploy, deployments)
    _let_updates_of_aliases_wait()
    _remember_templates()
    _answer_api(codedeploy, deployments)


def _client(role: str, service: str) -> Any:
    return client_of(role, service, actor="codedeploy")


def _groups(codedeploy: CodeDeploy) -> Document:
    """Handlers of deployment groups."""

    def put(name: str, properties: Document) -> tuple[str, Document]:
        alarms = properties.get("AlarmConfiguration") or {}
        rollback = properties.get("AutoRollbackConfiguration") or {}
        application = properties["ApplicationName"]
        codedeploy.groups[application, name] = Group(
            application,
            name,
            properties["ServiceRoleArn"],
            properties["DeploymentConfigName"],
            [each["Name"] for each in alarms.get("Alarms", [])] if _is_true(alarms.get("Enabled")) else [],
            list(rollback.get("Events", [])) if _is_true(rollback.get("Enabled")) else [],
        )
        return name, {}

    def create(logical_id: str, properties: Document, stack_name: str) -> tuple[str, Document]:
        return put(provisioners._physical_name(stack_name, logical_id, max_len=100), properties)

    def update(physical: str, _: Document, new: Document, *__: Any) -> tuple[str, Document]:
        return put(physical, new)

    def delete(physical: str, properties: Document) -> None:
        codedeploy.groups.pop((properties["ApplicationName"], physical), None)

    return {"create": create, "update": update, "delete": delete}


def _is_true(value: object) -> bool:
    return value in {True, "true"}


def _updating(plain: Callable[..., Any], codedeploy: CodeDeploy, deployments: Deployments) -> Callable[..., Any]:
    """The update of an alias, by CodeDeploy where its version changes and its UpdatePolicy says so."""

    def update(physical: str, old: Document, new: Document, stack_name: str, logical_id: str) -> Any:
        policy = _template.get()["Resources"][logical_id].get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        if not policy or old["FunctionVersion"] == new["FunctionVersion"]:
            return plain(physical, old, new, stack_name, logical_id)
        names = {name: _physical(value, stack_name) for name, value in policy.items()}
        _, function, *_ = provisioners._lambda_function_for_cfn_ref(new["FunctionName"])
        spec = AppSpec(
            function,
            new["Name"],
            old["FunctionVersion"],
            new["FunctionVersion"],
            names.get("BeforeAllowTrafficHook", ""),
        )
        group = codedeploy.groups[names["ApplicationName"], names["DeploymentGroupName"]]
        deployment = deployments.create(group, spec, creator="CloudFormation")
        _carry_out(deployments, deployment)
        if deployment.status != "Succeeded":
            raise ValueError(f"Deployment {deployment.id} failed")
        return physical, {"AliasArn": physical}

    return update


def _physical(value: Any, stack_name: str) -> str:
    """A name in an UpdatePolicy, which SAM writes as a reference."""
    if isinstance(value, str):
        return value
    return str(_stacks[stack_name]["_resources"][value["Ref"]]["PhysicalResourceId"])


def _carry_out(deployments: Deployments, deployment: Deployment) -> None:
    while not deployment.ended:
        deployments.advance(deployment)
        time.sleep(_POLL_SECONDS)
    _log.info("%s %s %s", deployment.id, deployment.status, dict(deployment.error))


def _let_updates_of_aliases_wait() -> None:
    """Update aliases on a thread, where waiting keeps nothing else from being answered."""
    waits = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind == "AWS::Lambda::Alias" or waits(kind)


def _remember_templates() -> None:
    """Know the template of an operation where its resources are updated, what an UpdatePolicy names first."""
    deploy = stacks._deploy_stack_async

    async def deploying(stack_name: str, stack_id: str, template: Document, *args: Any, **kwargs: Any) -> None:
        _template.set(template)
        await deploy(stack_name, stack_id, template, *args, **kwargs)

    for module in (changesets, handlers):
        module._deploy_stack_async = deploying
    of_properties = stacks._topological_sort

    def ordered(resources: Document, conditions: Document) -> Any:
        after = {
            name: resource | {"Properties": {"": [resource.get("Properties"), resource.get("UpdatePolicy")]}}
            for name, resource in resources.items()
        }
        return of_properties(after, conditions)

    stacks._topological_sort = ordered


def _answer_api(codedeploy: CodeDeploy, deployments: Deployments) -> None:
    arn_of = iam_actions.extract_resource_arn

    async def handle(_: str, __: str, headers: Document, body: bytes, ___: Document) -> tuple[int, Document, bytes]:
        operation = headers["x-amz-target"].removeprefix(f"{SERVICE}.")
        try:
            answer = codedeploy.answer(operation, json.loads(body))
        except Refused as refusal:
            return _response(400, {"__type": refusal.code, "message": str(refusal)})
        if operation == "CreateDeployment":
            made = deployments.all[answer["deploymentId"]]
            threading.Thread(target=_carry_out, args=(deployments, made), daemon=True).start()
        return _response(200, answer)

    def resource(service: str, method: str, path: str, headers: Document, body: bytes, *rest: Any) -> Any:
        if service != "codedeploy":
            return arn_of(service, method, path, headers, body, *rest)
        try:
            group = codedeploy.group_of(json.loads(body))
        except Refused:
            return "*"
        place = f"{get_region()}:{get_account_id()}"
        return f"arn:aws:codedeploy:{place}:deploymentgroup:{group.application}/{group.name}"

    gateway.SERVICE_HANDLERS["codedeploy"] = handle
    router.SERVICE_PATTERNS["codedeploy"] = {"target_prefixes": [SERVICE]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codedeploy"] = "codedeploy"
    iam_actions.extract_resource_arn = resource


def _response(status: int, document: Document) -> tuple[int, Document, bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
