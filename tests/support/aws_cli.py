"""A stand-in for the AWS CLI, whose commands are those of botocore's descriptions of the services.

    aws s3api list-object-versions --bucket models --query 'Versions[].Key' --output text

It refuses services, operations and arguments that do not exist, values of the wrong type and missing ones. What is
named in `AWS_CLI_ONLY_CHECKS` ("codedeploy budgets lambda:get-account-settings") is not asked of AWS: the answer is
empty.
"""

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator

from tests.support.stand_ins import Outcome

ALIASES = {"s3api": "s3", "deploy": "codedeploy"}  # `aws s3` has commands of its own, which nothing here uses
GLOBAL = {"--query", "--output", "--region", "--max-items"}
OWN_COMMANDS = {  # of the CLI itself: no service describes them
    ("cloudformation", "deploy"): {
        *("--stack-name", "--template-file", "--capabilities", "--parameter-overrides", "--no-fail-on-empty-changeset")
    },
}
ONLY_CHECKS = "AWS_CLI_ONLY_CHECKS"

_LOADER = create_loader()


class WrongUsage(Exception):
    """The real CLI would refuse this command."""


def main(arguments: list[str]) -> str:
    """Run a command; what it prints.

    Raises
    ------
    WrongUsage
        There is no such command, or it is not used like this.
    """
    if arguments == ["configure", "get", "region"]:
        return os.environ["AWS_DEFAULT_REGION"]
    if len(arguments) < 2:
        raise WrongUsage("a service and an operation are needed")
    word, operation, *rest = arguments
    if (word, operation) in OWN_COMMANDS:
        if unknown := {each for each in rest if each.startswith("--")} - OWN_COMMANDS[word, operation]:
            raise WrongUsage(f"{word} {operation} has no {', '.join(sorted(unknown))}")
        return ""
    session = _session()
    service = ALIASES.get(word, word)
    if service not in session.get_available_services() or word in ALIASES.values():
        raise WrongUsage(f"there is no service {word}")
    if operation == "wait":
        _parse(_waited_for(session, service, rest[0]), rest[1:])
        return ""
    return _printed(*_answer(session, service, operation, rest))


def _session() -> Session:
    session = Session()
    session.register_component("data_loader", _LOADER)
    return session


def _answer(session: Session, service: str, operation: str, rest: list[str]) -> tuple[Any, str]:
    """What AWS answers, after `--query`, and how to print it."""
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        raise WrongUsage(f"{service} has no {operation}")
    described = model.operation_model(names[operation])
    if described.has_streaming_output:
        rest = rest[:-1]  # the file for what streams
    parameters, options = _parse(described, rest)
    only_checked = os.environ.get(ONLY_CHECKS, "").split()
    answer: Any = {}
    if not {service, f"{service}:{operation}"} & set(only_checked):
        answer = _ask(session, service, xform_name(names[operation]), parameters, options)
    answer = json.loads(json.dumps(answer, default=_plain))
    if "--query" in options:
        with warnings.catch_warnings():  # `text` for '"text"' is old and valid, and needs no quotes within a shell's
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            answer = jmespath.search(options["--query"], answer)
    return answer, options.get("--output", "json")


def _printed(answer: Any, output: str) -> str:
    if output == "text":
        return "\n".join("\t".join(row) for row in _rows(answer))
    return json.dumps(answer, indent=4) if answer not in (None, {}) else ""


def _waited_for(session: Session, service: str, name: str) -> OperationModel:
    """The operation that a waiter polls."""
    waiters = session.get_waiter_model(service)
    names = {xform_name(each, "-"): each for each in waiters.waiter_names}
    if name not in names:
        raise WrongUsage(f"{service} has no waiter {name}")
    return session.get_service_model(service).operation_model(waiters.get_waiter(names[name]).operation)


def _ask(
    session: Session, service: str, method: str, parameters: dict[str, Any], options: Mapping[str, str]
) -> dict[str, Any]:
    client = session.create_client(
        service, config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    )
    if client.can_paginate(method):
        limit = {"MaxItems": int(options["--max-items"])} if "--max-items" in options else {}
        result = client.get_paginator(method).paginate(**parameters, PaginationConfig=limit).build_full_result()
    else:
        result = getattr(client, method)(**parameters)
    result.pop("ResponseMetadata", None)
    return dict(result)


def _parse(operation: OperationModel, rest: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters of the operation, and options of the CLI."""
    shape = operation.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    known = {"--" + xform_name(name, "-"): name for name in members}
    parameters: dict[str, Any] = {}
    options: dict[str, str] = {}
    for option, values in _groups(rest):
        if option in GLOBAL:
            (options[option],) = values
        elif option in known:
            parameters[known[option]] = _value(members[known[option]], values, option)
        elif option.startswith("--no-") and (name := known.get("--" + option[5:])):
            parameters[name] = False
        else:
            raise WrongUsage(f"{operation.name} has no {option}")
    report = ParamValidator().validate(parameters, shape or StructureShape("Nothing", {"type": "structure"}))
    if report.has_errors():
        raise WrongUsage(f"{operation.name}: {report.generate_report()}")
    return parameters, options


def _groups(rest: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with the words after it."""
    if rest and not rest[0].startswith("--"):
        raise WrongUsage(f"{rest[0]} belongs to no option")
    starts = [index for index, word in enumerate(rest) if word.startswith("--")]
    for start, end in zip(starts, [*starts[1:], len(rest)], strict=False):
        yield rest[start], rest[start + 1 : end]


def _value(shape: Shape, words: list[str], option: str) -> Any:
    if shape.type_name == "boolean" and not words:
        return True
    if isinstance(shape, ListShape) and not (len(words) == 1 and words[0].lstrip().startswith("[")):
        return [_value(shape.member, [word], option) for word in words]
    if len(words) != 1:
        raise WrongUsage(f"{option} takes one value, not {len(words)}")
    word = words[0]
    if word.startswith(("file://", "fileb://")):
        word = Path(word.partition("://")[2]).read_text(encoding="utf-8")
    try:
        if shape.type_name in {"structure", "map", "list"}:
            return json.loads(word) if word.lstrip()[:1] in {"{", "["} else _shorthand(word)
        return {"integer": int, "long": int, "float": float, "double": float}.get(shape.type_name, str)(word)
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}") from error


def _shorthand(word: str) -> dict[str, str]:
    """`Key=a,Value=b`."""
    pairs = [pair.partition("=") for pair in word.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise WrongUsage(f"{word!r} is not Key=value,Key=value")
    return {key: value for key, _, value in pairs}


def _plain(value: object) -> str:
    """Moments and streams, as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _rows(answer: Any) -> list[list[str]]:
    """Rows and cells of `--output text`."""
    if isinstance(answer, list):
        if any(isinstance(item, list) for item in answer):
            return [row for item in answer for row in _rows(item)]
        return [[str(item) for item in answer]] if answer else []
    if isinstance(answer, dict):
        return [[str(value) for value in answer.values()]]
    return [[str(answer)]]


def aws(arguments: list[str]) -> Outcome:
    """Run a command as a program does."""
    try:
        printed = main(arguments)
    except (WrongUsage, BotoCoreError, ClientError) as failure:
        return Outcome(1, stderr=f"aws: {failure}\n")
    return Outcome(0, f"{printed}\n" if printed else "")
