"""The rules of a template are evaluated before a build, as CloudFormation does after it."""

from typing import Any

import pytest

from deploy.parameters import TEMPLATE, check_parameters, load_template
from deploy.rules import broken_rules
from skylift.errors import ConfigError
from tests.support.paths import ROOT

OPEN = "Auth=NONE is for the stage dev only: use AWS_IAM or JWT"


def broken(rules: str, **values: str) -> list[str]:
    return broken_rules(load_template(rules), values)


class TestOfThisTemplate:
    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"Stage": "prod", "Auth": "NONE"}, OPEN),
            ({"Auth": "JWT", "JwtAudience": "a"}, "Auth=JWT needs JwtIssuer"),
            ({"Auth": "JWT", "JwtIssuer": "https://a"}, "Auth=JWT needs JwtAudience"),
            ({"DomainName": "iris.example.com"}, "DomainName needs CertificateArn"),
        ],
    )
    def test_a_combination_that_cloudformation_refuses_is_refused_in_the_templates_words(
        self, values: dict[str, str], said: str
    ) -> None:
        with pytest.raises(ConfigError, match=said):
            check_parameters(values, ROOT / TEMPLATE)

    @pytest.mark.parametrize(
        "values",
        [
            {"Stage": "dev", "Auth": "NONE"},
            {"Stage": "prod"},
            {"Auth": "JWT", "JwtIssuer": "https://a", "JwtAudience": "a"},
        ],
    )
    def test_others_pass(self, values: dict[str, str]) -> None:
        check_parameters(values, ROOT / TEMPLATE)

    def test_a_value_that_the_stack_has_counts_where_no_new_one_is_given(self) -> None:
        kept = {"JwtIssuer": "https://a", "JwtAudience": "a", "Gone": "since"}
        check_parameters({"Auth": "JWT"}, ROOT / TEMPLATE, kept=kept)

        with pytest.raises(ConfigError, match=OPEN):
            check_parameters({"Stage": "prod"}, ROOT / TEMPLATE, kept={"Auth": "NONE"})

    def test_every_rule_is_evaluated_here(self) -> None:
        """A function that is not known here would leave its rule to CloudFormation."""
        text = (ROOT / TEMPLATE).read_text(encoding="utf-8")
        used: set[str] = set()

        def collect(expression: Any) -> None:
            if isinstance(expression, dict):
                used.update(expression)
            for each in expression.values() if isinstance(expression, dict) else expression:
                if isinstance(each, dict | list):
                    collect(each)

        for rule in load_template(text)["Rules"].values():
            collect([rule["RuleCondition"], *(each["Assert"] for each in rule["Assertions"])])
        assert used <= {"Ref", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Fn::Contains"}


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ("!Equals [!Ref A, x]", True),
        ("!Not [!Equals [!Ref A, x]]", False),
        ("!And [!Equals [!Ref A, x], !Equals [!Ref B, y]]", False),
        ("!Or [!Equals [!Ref A, x], !Equals [!Ref B, y]]", True),
        ("!Contains [[x, y], !Ref B]", False),
        ("{'Fn::Equals': [{Ref: T}, true]}", True),
        ("!Equals [!Ref N, 1]", True),
        ("false", False),
    ],
)
def test_functions_mean_what_they_mean_to_cloudformation(assertion: str, holds: bool) -> None:
    rules = f"R: {{Assertions: [{{Assert: {assertion}, AssertDescription: refused}}]}}"

    assert broken(rules, A="x", B="z", T="true", N="1") == ([] if holds else ["refused"])


def test_a_rule_whose_condition_does_not_hold_asserts_nothing() -> None:
    assert broken("R: {RuleCondition: !Equals [!Ref A, x], Assertions: [{Assert: false}]}", A="y") == []


def test_a_rule_without_words_is_named() -> None:
    assert broken("R: {Assertions: [{Assert: false}]}") == ["the rule R does not hold"]


@pytest.mark.parametrize("unknown", ["!Equals [!Ref AWS::Region, x]", "!Contains [{'Fn::RefAll': T}, x]"])
def test_what_only_cloudformation_knows_is_left_to_it(unknown: str) -> None:
    assert broken(f"R: {{Assertions: [{{Assert: {unknown}}}]}}") == []
    assert broken(f"R: {{RuleCondition: {unknown}, Assertions: [{{Assert: false}}]}}") == []
