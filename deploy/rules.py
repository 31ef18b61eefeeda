"""The `Rules` of a template: which values its parameters must not have together.

CloudFormation evaluates them when it makes the change set, minutes after the build began.
"""

from collections.abc import Callable, Mapping
from typing import Any


class _Unknown(Exception):
    """Only CloudFormation knows the value."""


def broken_rules(rules: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Descriptions of the assertions that do not hold; what only CloudFormation can evaluate is left to it.

    Parameters
    ----------
    rules
        `Rules` of a template, in the long form of its functions.
    values
        Values of all parameters by name.
    """
    return [
        assertion.get("AssertDescription", f"the rule {name} does not hold")
        for name, rule in rules.items()
        if _holds(rule.get("RuleCondition", True), values)
        for assertion in rule["Assertions"]
        if _holds(assertion["Assert"], values) is False
    ]


def _holds(expression: object, values: Mapping[str, str]) -> bool | None:
    """Whether a rule's expression is true; None where only CloudFormation knows."""
    if isinstance(expression, bool):
        return expression
    try:
        return bool(_value(expression, values))
    except _Unknown:
        return None


def _value(expression: Any, values: Mapping[str, str]) -> Any:
    if isinstance(expression, list):
        return [_value(each, values) for each in expression]
    if not isinstance(expression, dict):
        return str(expression).lower() if isinstance(expression, bool) else str(expression)
    ((function, arguments),) = expression.items()
    if function == "Ref" and arguments in values:
        return values[arguments]
    if function not in _FUNCTIONS:
        raise _Unknown
    return _FUNCTIONS[function](*_value(arguments, values))


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "Fn::And": lambda *conditions: all(conditions),
    "Fn::Contains": lambda texts, text: text in texts,
    "Fn::Equals": lambda one, other: one == other,
    "Fn::Not": lambda condition: not condition,
    "Fn::Or": lambda *conditions: any(conditions),
}
