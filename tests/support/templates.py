"""The templates as CloudFormation gets them: transformed by SAM's own translator, with parameters put in."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any

import boto3
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.paths import ROOT

REGION = "eu-central-1"
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:123456789012:stack/skylift/1",
    "AWS::StackName": "skylift",
    "AWS::URLSuffix": "amazonaws.com",
}

EVERYTHING = {
    "Labels": "true",
    "SignVersions": "true",
    "Retraining": "true",
    "RetrainSchedule": "cron(0 4 ? * MON *)",
    "RetrainOnData": "true",
    "RetrainOnDrift": "true",
    "RetrainRollout": "auto",
    "RetrainSubnets": "subnet-1,subnet-2",
    "Batch": "true",
    "BatchBucketName": "tables",
}
"""Parameters that switch on what is off by default, but for a domain."""

_NOTHING = object()
_BUILT = {
    "AWS::Serverless::LayerVersion": ("ContentUri", "s3://bucket/layer"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", "s3://bucket/definition"),
    "Image": ("ImageUri", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/skylift:1"),
    "Zip": ("CodeUri", "s3://bucket/code"),
}
"""What `sam package` writes in place of local paths."""


@contextmanager
def _own_yaml() -> Iterator[None]:
    """Let SAM teach PyYAML its tags, and PyYAML forget them: others in this process read YAML as well."""
    taught = (yaml.SafeLoader, yaml.constructor.SafeConstructor)
    before = [(kind, dict(kind.yaml_constructors), dict(kind.yaml_multi_constructors)) for kind in taught]
    try:
        yield
    finally:
        for kind, constructors, multi_constructors in before:
            kind.yaml_constructors = constructors
            kind.yaml_multi_constructors = multi_constructors


@cache
def _read(name: str) -> dict[str, Any]:
    with _own_yaml():
        document: dict[str, Any] = yaml_parse((ROOT / name).read_text(encoding="utf-8"))
    return document


def source(name: str = "template.yaml") -> dict[str, Any]:
    """A template as it is written."""
    return deepcopy(_read(name))


class Stack:
    """A template with parameters put in: intrinsic functions are resolved, resources of false conditions are gone.

    A resource's name stands for its `Ref`, and `Name.Attribute` for its `Fn::GetAtt`.

    Parameters
    ----------
    parameters
        Parameters that differ from their defaults.
    """

    def __init__(self, name: str = "template.yaml", **parameters: str) -> None:
        document = source(name)
        defaults = {key: str(value.get("Default", "")) for key, value in document["Parameters"].items()}
        assert parameters.keys() <= defaults.keys()
        self.parameters = defaults | parameters
        if "Transform" in document:
            for resource in document["Resources"].values():
                kind = resource["Type"]
                if kind == "AWS::Serverless::Function":
                    kind = resource["Properties"].get("PackageType", "Zip")
                if kind in _BUILT:
                    key, value = _BUILT[kind]
                    resource["Properties"][key] = value
            translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name=REGION))
            document = translator.translate(document, parameter_values=self.parameters | PSEUDO)
        self._conditions: dict[str, Any] = document.get("Conditions", {})
        self.raw: dict[str, Any] = document["Resources"]
        self.resources: dict[str, dict[str, Any]] = {
            key: self._resolved(value)
            for key, value in self.raw.items()
            if "Condition" not in value or self._holds(value["Condition"])
        }
        self.outputs = {
            key: self._resolved(value["Value"])
            for key, value in document["Outputs"].items()
            if "Condition" not in value or self._holds(value["Condition"])
        }
        self._rules = document.get("Rules", {})

    def broken_rules(self) -> set[str]:
        """Names of the rules that refuse these parameters."""
        return {
            name
            for name, rule in self._rules.items()
            if self._resolved(rule["RuleCondition"])
            and not all(self._resolved(assertion["Assert"]) for assertion in rule["Assertions"])
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Properties of a resource."""
        found: dict[str, Any] = self.resources[name]["Properties"]
        return found

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of all resources of a type, by name."""
        return {key: value["Properties"] for key, value in self.resources.items() if value["Type"] == kind}

    def version_of(self, function: str) -> str:
        """Name of the version of a function that has an alias."""
        (name,) = (
            key for key, value in self.of_type("AWS::Lambda::Version").items() if value["FunctionName"] == function
        )
        return name

    def roles(self) -> list[str]:
        """Names of all roles."""
        return list(self.of_type("AWS::IAM::Role"))

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Statements of the policies of a role, which has no policies but its own."""
        properties = self.properties(role)
        assert "ManagedPolicyArns" not in properties
        return [one for policy in properties["Policies"] for one in policy["PolicyDocument"]["Statement"]]

    def grants(self, role: str) -> dict[str, set[str]]:
        """Resources by action that a role is allowed."""
        grants: dict[str, set[str]] = {}
        for statement in self.statements(role):
            if statement["Effect"] == "Allow":
                actions, resources = statement["Action"], statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    grants.setdefault(action, set()).update([resources] if isinstance(resources, str) else resources)
        return grants

    def _holds(self, condition: str) -> bool:
        return bool(self._resolved(self._conditions[condition]))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [found for item in value if (found := self._resolved(item)) is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Condition" and isinstance(argument, str):
                return self._holds(argument)
            if name == "Ref" or name.startswith("Fn::"):
                return self._called(name, argument)
        return {key: found for key, item in value.items() if (found := self._resolved(item)) is not _NOTHING}

    def _called(self, name: str, argument: Any) -> Any:  # noqa: PLR0911 (one line per function of CloudFormation's)
        match name:
            case "Ref":
                return _NOTHING if argument == "AWS::NoValue" else self._named(argument)
            case "Fn::GetAtt":
                return argument if isinstance(argument, str) else ".".join(argument)
            case "Fn::If":
                condition, yes, no = argument
                return self._resolved(yes if self._holds(condition) else no)
            case "Fn::Equals":
                left, right = self._resolved(argument)
                return str(left) == str(right)
            case "Fn::Not":
                return not self._resolved(argument)[0]
            case "Fn::And":
                return all(self._resolved(argument))
            case "Fn::Or":
                return any(self._resolved(argument))
            case "Fn::Split":
                separator, text = argument
                return str(self._resolved(text)).split(separator)
            case "Fn::Sub":
                return self._substituted(argument)
        raise NotImplementedError(name)

    def _substituted(self, argument: Any) -> str:
        text, more = (argument, {}) if isinstance(argument, str) else argument
        known = {key: self._resolved(value) for key, value in more.items()}
        parts = text.split("${")
        done: str = parts[0]
        for part in parts[1:]:
            key, _, rest = part.partition("}")
            done += str(known[key] if key in known else self._named(key)) + rest
        return done

    def _named(self, name: str) -> str:
        return self.parameters[name] if name in self.parameters else PSEUDO.get(name, name)


@cache
def stack_of(name: str = "template.yaml", **parameters: str) -> Stack:
    """The same, made once: SAM's translator takes longer than a test. Nobody may change what it holds."""
    return Stack(name, **parameters)
