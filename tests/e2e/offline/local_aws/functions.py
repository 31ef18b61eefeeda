"""Functions: weights of aliases, versions, and containers as strict as Lambda."""

import json
import random
import threading
import time
from typing import Any

from docker.models.containers import Container
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

type Document = dict[str, Any]

_LINES_SECONDS = 10
_OF_A_CHANGE = ("RevisionId", "LastModified", "LastUpdateStatus", "State")
_AS_LAMBDA: Document = {
    "user": "993:990",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "ipc_mode": "none",
    "read_only": True,
}


def weigh_aliases() -> None:
    """Honour the weights of an alias, as API Gateway and Invoke do."""

    def drawn_version(function: Document | None, qualifier: str | None) -> str | None:
        alias = (function or {}).get("aliases", {}).get(qualifier) if qualifier else None
        draw = random.random()
        weights = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        for version, weight in weights.items():
            if draw < float(weight):
                return str(version)
            draw -= float(weight)
        return None

    by_qualifier, invoke = lambda_svc._effective_func_record_for_qualifier, lambda_svc._invoke

    def effective(function: Document, qualifier: str) -> Any:
        version = drawn_version(function, qualifier)
        record = function["versions"].get(version) if version else None
        return (record, record["config"]) if record else by_qualifier(function, qualifier)

    async def weighted_invoke(
        name: str,
        event: Any,
        headers: Any,
        path_qualifier: Any = None,
        query_params: Any = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
        version = drawn_version(lambda_svc._functions.get(name), qualifier)
        return await invoke(name, event, headers, version or path_qualifier, query_params, *rest, **more)

    lambda_svc._effective_func_record_for_qualifier = effective
    lambda_svc._invoke = weighted_invoke


def run_images_as_lambda_does() -> None:
    """Run functions that come as an image as strictly as Lambda; a zip's layers are copied into a running container."""
    package = threading.local()
    spawn = lambda_svc._spawn_lambda_container

    def spawn_strictly(config: Document, *args: Any, **kwargs: Any) -> Any:
        package.config = config
        return spawn(config, *args, **kwargs)

    def options(_: str) -> Document:
        config = package.config
        if config.get("PackageType") != "Image":
            return {}
        memory, disk = f"{config['MemorySize']}m", f"rw,size={config['EphemeralStorage']['Size']}m,mode=1777"
        return _AS_LAMBDA | {"mem_limit": memory, "memswap_limit": memory, "tmpfs": {"/tmp": disk}}

    lambda_svc._spawn_lambda_container = spawn_strictly
    lambda_svc._parse_docker_flags = options
    lambda_svc.LAMBDA_DOCKER_FLAGS = "as Lambda"  # where it is empty, none are asked for


def keep_versions() -> None:
    """Keep a function's versions, which SAM says to retain, and give each containers of its own.

    Two versions of one image may differ in their settings.
    """
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["delete"] = lambda *_: None
    of_code = lambda_svc._warm_pool_key
    lambda_svc._warm_pool_key = lambda name, config: f"{of_code(name, config)}:{config.get('Version', '$LATEST')}"


def publish_only_changes() -> None:
    """Publish no version of code and settings that the newest version has, however they came back to it."""
    publish = lambda_svc._publish_version

    def recognise(name: str) -> None:
        function = lambda_svc._functions.get(name) or {}
        versions = function.get("versions") or {}
        newest = versions[max(versions, key=int)] if versions else {}
        if newest and newest.get("fingerprint") == _fingerprint(function):
            newest["function_revision"] = function["config"]["RevisionId"]

    def published(name: str, data: Document) -> Any:
        recognise(name)
        answer = publish(name, data)
        function = lambda_svc._functions.get(name) or {"versions": {}}
        if function["versions"]:
            function["versions"][max(function["versions"], key=int)]["fingerprint"] = _fingerprint(function)
        return answer

    def recognising(handler: Any, *, properties_at: int) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            _, name, *_ = provisioners._lambda_function_for_cfn_ref(args[properties_at]["FunctionName"])
            recognise(name)
            return handler(*args, **kwargs)

        return wrapped

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]
    handlers["create"] = recognising(handlers["create"], properties_at=1)
    handlers["update"] = recognising(handlers["update"], properties_at=2)
    lambda_svc._publish_version = published


def _fingerprint(function: Document) -> str:
    """Code and settings of a function, without what each change of them is given."""
    config = {name: value for name, value in function["config"].items() if not name.startswith(_OF_A_CHANGE)}
    return json.dumps(config, sort_keys=True, default=str)


def read_all_lines_of_an_invocation() -> None:
    """Read what a function wrote when the emulator has written its report: its lines arrive after its answer.

    None is written where the container was killed.
    """
    logs = Container.logs

    def complete(container: Container, **options: Any) -> Any:
        if "since" in options:
            deadline = time.monotonic() + _LINES_SECONDS
            while b"REPORT RequestId" not in logs(container, **options) and time.monotonic() < deadline:
                time.sleep(0.01)
                container.reload()
                if container.status != "running":
                    break
            time.sleep(0.02)
        return logs(container, **options)

    Container.logs = complete
