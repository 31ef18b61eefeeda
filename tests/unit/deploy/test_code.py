"""The version of the code that answers, the one that the stack has, and the way back."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy.code import DeployedCode, Traffic
from deploy.stack import Stack, StackFailed
from skylift.errors import AwsUnavailable, ConfigError
from tests.support.cloudformation import CloudFormation
from tests.support.function_versions import FUNCTION, FunctionVersions


def code(lambdas: FunctionVersions, *, held: int = 2, status: str = "UPDATE_COMPLETE") -> DeployedCode:
    functions = "arn:aws:lambda:eu-central-1:123456789012:function"
    client = CloudFormation(
        status=status,
        outputs={"InferenceFunctionName": FUNCTION},
        resources={
            "InferenceFunctionVersionabc": ("AWS::Lambda::Version", f"{functions}:{FUNCTION}:{held}"),
            "RolloutFunctionVersionabc": ("AWS::Lambda::Version", f"{functions}:skylift-dev-rollout:7"),
        },
    )
    return DeployedCode(Stack("skylift-dev", client=cast("Any", client)), client=cast("Any", lambdas))


class TestWayBack:
    def test_it_is_the_version_published_before_the_one_that_answers(self) -> None:
        assert code(FunctionVersions({1: "a", 3: "c", 4: "d"}, live=4)).way_back(None).number == 3

    def test_it_is_the_version_that_is_named(self) -> None:
        found = code(FunctionVersions({1: "a", 3: "c", 4: "d"}, live=4)).way_back(1)

        assert str(found) == "1 (a)"

    @pytest.mark.parametrize(
        ("live", "number", "said"), [(1, None, "no version before the one that answers"), (2, 7, "no version 7")]
    )
    def test_where_it_leads_nowhere_the_versions_are_named(self, live: int, number: int | None, said: str) -> None:
        with pytest.raises(ConfigError, match=f"{said}: there are: 1, 2"):
            code(FunctionVersions({1: "", 2: ""}, live=live)).way_back(number)

    def test_a_version_that_lambda_cannot_run_is_refused(self) -> None:
        with pytest.raises(StackFailed, match="cannot run version 1"):
            code(FunctionVersions({1: "", 2: ""}, live=2, failed={1})).way_back(None)

    def test_a_refusal_of_aws_says_what_was_tried(self) -> None:
        with pytest.raises(AwsUnavailable, match=f"reading the alias live of {FUNCTION} failed"):
            code(FunctionVersions({}, live=None)).traffic()


def test_a_version_has_its_release_and_its_image() -> None:
    first, second = code(FunctionVersions({2: "b", 1: "a"}, live=2, releases={2: "c0ffee-7.1"})).versions()

    assert (first.number, first.release) == (1, "")
    assert (second.number, second.release, second.image) == (2, "c0ffee-7.1", "2" * 64)


class TestCheck:
    def test_the_version_of_the_stack_is_deployed_over(self) -> None:
        code(FunctionVersions({1: "", 2: ""}, live=2)).check_held()

    def test_another_version_is_refused_with_the_way_out(self) -> None:
        with pytest.raises(
            StackFailed, match="version 1 of the code answers, but stack skylift-dev has version 2"
        ) as e:
            code(FunctionVersions({1: "", 2: ""}, live=1)).check_held()

        assert "AFTER_ROLLBACK=1" in e.value.hint

    def test_a_second_version_with_a_share_is_refused_as_codedeploy_does(self) -> None:
        with pytest.raises(StackFailed, match="version 2 and 1 of the code"):
            code(FunctionVersions({1: "", 2: ""}, live=2, weights={"1": 0.1})).check_held()

    def test_a_stack_without_a_version_is_refused(self) -> None:
        client = CloudFormation(outputs={"InferenceFunctionName": FUNCTION})
        found = DeployedCode(
            Stack("skylift-dev", client=cast("Any", client)), client=cast("Any", FunctionVersions({1: ""}, live=1))
        )

        with pytest.raises(StackFailed, match="has 0 versions of the code"):
            found.check_held()


class TestPrune:
    def test_the_newest_five_stay_and_whatever_answers_or_belongs_to_the_stack(self) -> None:
        lambdas = FunctionVersions(dict.fromkeys(range(1, 11), ""), live=3, weights={"4": 0.1})

        assert code(lambdas, held=2).prune() == [1, 5]
        assert list(lambdas.descriptions) == [2, 3, 4, 6, 7, 8, 9, 10]

    def test_few_stay(self) -> None:
        lambdas = FunctionVersions({1: "", 2: "", 3: "", 4: "", 5: ""}, live=5)

        assert code(lambdas, held=5).prune() == []

    def test_a_version_that_an_alias_of_somebody_names_is_told(self) -> None:
        lambdas = FunctionVersions(dict.fromkeys(range(1, 8), ""), live=7)
        lambdas.weights = {}

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": "ResourceConflictException"}}, "DeleteFunction")

        lambdas.delete_function = refuse  # type: ignore[method-assign]

        with pytest.raises(AwsUnavailable, match=f"deleting version 1 of {FUNCTION} failed"):
            code(lambdas, held=7).prune()


class TestAsHeld:
    def test_codedeploy_finds_the_version_that_the_stack_has(self) -> None:
        lambdas = FunctionVersions({1: "", 2: ""}, live=1)

        with code(lambdas).as_held():
            assert (lambdas.live, lambdas.weights) == (2, {})

    def test_weights_are_gone_as_well(self) -> None:
        lambdas = FunctionVersions({1: "", 2: ""}, live=2, weights={"1": 0.1})

        with code(lambdas).as_held():
            assert (lambdas.live, lambdas.weights) == (2, {})

    def test_an_alias_that_is_right_is_left_alone(self) -> None:
        lambdas = FunctionVersions({1: "", 2: ""}, live=2)

        with code(lambdas).as_held():
            assert lambdas.moves == 0

    @pytest.mark.parametrize("ending", [ConfigError("a rule"), KeyboardInterrupt()], ids=["failed", "interrupted"])
    def test_a_deployment_that_does_not_end_leaves_the_code_that_answered_before(self, ending: BaseException) -> None:
        lambdas = FunctionVersions({1: "", 2: ""}, live=1)

        with pytest.raises(type(ending)), code(lambdas).as_held():
            raise ending

        assert lambdas.live == 1

    def test_so_does_one_that_was_declined(self) -> None:
        """`sam` ends with code 0 after a no to its change set, or an empty one."""
        lambdas = FunctionVersions({1: "", 2: ""}, live=1)

        with code(lambdas).as_held():
            pass

        assert lambdas.live == 1

    def test_one_that_ends_well_is_what_answers(self) -> None:
        lambdas = FunctionVersions({1: "", 2: "", 3: ""}, live=1)

        with code(lambdas).as_held():
            lambdas.live = 3

        assert lambdas.live == 3

    @pytest.mark.parametrize(("status", "moved"), [("UPDATE_IN_PROGRESS", None), ("UPDATE_COMPLETE", 3)])
    def test_a_deployment_that_goes_on_or_got_further_is_not_disturbed(self, status: str, moved: int | None) -> None:
        lambdas = FunctionVersions({1: "", 2: "", 3: ""}, live=1)

        def deployment() -> None:
            lambdas.live = moved or lambdas.live
            raise ConfigError("took too long")

        with pytest.raises(ConfigError), code(lambdas, status=status).as_held():
            deployment()

        assert lambdas.live == (moved or 2)


def test_moving_ends_a_canary() -> None:
    lambdas = FunctionVersions({1: "", 2: ""}, live=1, weights={"2": 0.1})
    deployed = code(lambdas)
    assert deployed.traffic() == Traffic(1, (2,))

    deployed.move(1)

    assert deployed.traffic() == Traffic(1)
