"""What a stage is: a section of `samconfig.toml`, checked against the template before anything is built."""

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.rules import broken_rules
from skylift.errors import ConfigError

SAMCONFIG = Path("samconfig.toml")
TEMPLATE = Path("template.yaml")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where to deploy.

    Parameters
    ----------
    name
        Name of the stage and of its section in `samconfig.toml`, for example `dev`.
    stack
        Name of the stack.
    parameters
        Values of the template's parameters, by name.
    """

    name: str
    stack: str
    parameters: dict[str, str]


def read_stage(name: str, path: Path = SAMCONFIG) -> Stage:
    """A stage as `samconfig.toml` describes it.

    Raises
    ------
    ConfigError
        The file cannot be read, or has no such stage.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error})", "run this in the folder that holds it") from error
    stages = {key: section for key, section in document.items() if isinstance(section, dict) and key != "default"}
    if name not in stages:
        raise ConfigError(f"{path} has no stage {name}", f"there are: {', '.join(stages) or 'none'}")
    settings = {
        key: value
        for section in ("global", "deploy")
        for source in (document.get("default", {}), stages[name])
        for key, value in source.get(section, {}).get("parameters", {}).items()
    }
    if not (stack := settings.get("stack_name")):
        raise ConfigError(
            f"{path} names no stack for {name}", f"add stack_name to [{name}.deploy.parameters] in {path}"
        )
    overrides = settings.get("parameter_overrides", [])
    return Stage(name, stack, assignments(shlex.split(overrides) if isinstance(overrides, str) else overrides))


def assignments(texts: Iterable[str]) -> dict[str, str]:
    """Values by name, of texts like `MemorySize=1024`.

    Raises
    ------
    ConfigError
        A text is not of this form.
    """
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{text!r} sets no parameter", "write it as Name=value")
        values[name] = value
    return values


def check_parameters(
    values: Mapping[str, str], template: Path = TEMPLATE, *, kept: Mapping[str, str] | None = None
) -> None:
    """Refuse what CloudFormation would refuse after the build.

    Parameters
    ----------
    values
        Values by name.
    template
        Template that is deployed.
    kept
        Values that the stack has, which those without a new one keep; none for a new stack.

    Raises
    ------
    ConfigError
        The template cannot be read, has no such parameter, a value is missing or not allowed, or a rule of the template
        refuses them together; with all of these.
    """
    try:
        document = load_template(template.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{template} cannot be read ({error})",
            "run this in the folder that holds it, or name a release with --release",
        ) from error
    declared = document.get("Parameters", {})
    wrong = [f"there is no parameter {name}" for name in values if name not in declared]
    settled = {}
    for name, rules in declared.items():
        if name in values:
            wrong += [f"{name}={values[name]} {why}" for why in _violations(values[name], rules)]
            settled[name] = values[name]
        elif kept and name in kept:
            settled[name] = kept[name]
        elif "Default" in rules:
            settled[name] = _text(rules["Default"])
        else:
            wrong.append(f"{name} has no value ({rules.get('Description', 'no default')})")
    wrong += broken_rules(document.get("Rules", {}), settled)
    if wrong:
        raise ConfigError("; ".join(wrong), "fix parameter_overrides in samconfig.toml, or add PARAMS='Name=value'")


def architecture_of(values: Mapping[str, str], template: Path = TEMPLATE) -> str | None:
    """Architecture of the functions: its value, else the template's default; None if that has no such parameter."""
    declared = load_template(template.read_text(encoding="utf-8")).get("Parameters", {}).get("Architecture", {})
    default: str | None = declared.get("Default")
    return values.get("Architecture", default)


def load_template(text: str) -> dict[str, Any]:
    """A template's document, with what short forms stand for: `!Ref X` is `{"Ref": "X"}`.

    Raises
    ------
    yaml.YAMLError
        It is not a YAML document of sections.
    """
    document = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader that knows CloudFormation's tags)
    if not isinstance(document, dict):
        raise yaml.YAMLError("no sections in it")
    return document


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads CloudFormation's tags without following them."""


def _long_form(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = node.value
    return {name if name in {"Condition", "Ref"} else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _long_form)


def _violations(value: str, rules: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, in the words of the template where it has some."""
    hint = f": {rules['ConstraintDescription']}" if "ConstraintDescription" in rules else ""
    wrong = []
    if (allowed := rules.get("AllowedValues")) and value not in {_text(item) for item in allowed}:
        wrong.append(f"is none of {', '.join(map(_text, allowed))}{hint}")
    if (pattern := rules.get("AllowedPattern")) and not re.fullmatch(pattern, value):
        wrong.append(f"is not of the form {pattern}{hint}")
    if rules.get("Type") == "Number":
        try:
            number = float(value)
        except ValueError:
            return [*wrong, f"is not a number{hint}"]
        if number < float(rules.get("MinValue", number)) or number > float(rules.get("MaxValue", number)):
            wrong.append(f"is not within {rules.get('MinValue', '...')} to {rules.get('MaxValue', '...')}{hint}")
    return wrong


def _text(value: object) -> str:
    """A YAML value as CloudFormation compares it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
