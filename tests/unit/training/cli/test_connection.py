"""Which registry a command works on: the stack's before the environment's, and the model's name last of model.yaml."""

from pathlib import Path
from typing import Any, cast

import pytest

from skylift.errors import ConfigError
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.broken_servers import silent_server
from tests.support.cloudformation import CloudFormation
from tests.support.models import IRIS_CONFIG, iris_config
from tests.support.ports import free_port
from training.cli import connection
from training.cli.connection import (
    LOCAL_BUCKET,
    describe_stack,
    outputs_of,
    registry_settings,
    stack_memory,
    stack_settings,
)

OUTPUTS = {"ModelBucketName": "models-of-stack", "Stage": "prod", "ModelName": "wine", "ApiUrl": "https://api.example"}
NOWHERE = Path("nowhere.yaml")


def use(monkeypatch: pytest.MonkeyPatch, **outputs: str) -> None:
    """Let CloudFormation know the stack skylift with these outputs, and no other."""
    monkeypatch.setattr(connection, "cloudformation_client", lambda: CloudFormation("skylift", outputs=outputs))


class TestEnvironment:
    def test_it_names_the_registry_and_model_yaml_is_not_read(self) -> None:
        settings = registry_settings(None, NOWHERE)

        assert (settings.bucket, settings.stage, settings.model) == (BUCKET, STAGE, MODEL)

    @pytest.mark.parametrize("config", [IRIS_CONFIG, iris_config()], ids=["a path", "a loaded configuration"])
    def test_without_a_name_in_it_the_model_is_that_of_model_yaml(
        self, config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SKYLIFT_MODEL")

        assert registry_settings(None, config).model == "iris"

    def test_a_bucket_that_is_not_named_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SKYLIFT_BUCKET")

        with pytest.raises(ConfigError, match="set SKYLIFT_BUCKET, or name a stack with --stack"):
            registry_settings(None, NOWHERE)

    def test_a_name_that_cannot_be_used_is_refused_by_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYLIFT_STAGE", "Dev/1")

        with pytest.raises(ConfigError, match=r"^SKYLIFT_STAGE: "):
            registry_settings(None, NOWHERE)

    def test_that_of_a_main_job_that_has_ended_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYLIFT_BUCKET", LOCAL_BUCKET)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")

        with pytest.raises(ConfigError, match=r"this terminal was set up for has ended: .* here: \. build/local\.env"):
            registry_settings(None, NOWHERE)

        with silent_server() as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
            assert registry_settings(None, NOWHERE).bucket == LOCAL_BUCKET


class TestStack:
    def test_its_outputs_win_over_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use(monkeypatch, **OUTPUTS)

        settings = registry_settings("skylift", NOWHERE)

        assert (settings.bucket, settings.stage, settings.model) == ("models-of-stack", "prod", "wine")

    @pytest.mark.parametrize("allowed", ["true", "false"])
    def test_it_says_whether_joblib_is_allowed_whatever_the_environment_says(
        self, allowed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, **OUTPUTS, AllowJoblib=allowed)
        monkeypatch.setenv("SKYLIFT_ALLOW_JOBLIB", "false" if allowed == "true" else "true")

        assert registry_settings("skylift", NOWHERE).allow_joblib is (allowed == "true")

    def test_one_of_an_older_release_says_nothing_of_joblib_and_the_default_of_its_stage_holds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SKYLIFT_ALLOW_JOBLIB")

        for stage, allowed in (("prod", False), ("dev", True)):
            use(monkeypatch, **OUTPUTS | {"Stage": stage})
            assert registry_settings("skylift", NOWHERE).allow_joblib is allowed

    def test_one_that_does_not_exist_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use(monkeypatch)

        with pytest.raises(ConfigError, match="there is no stack nowhere: check its name, the region and the account"):
            stack_settings("nowhere")

    def test_one_of_something_else_is_refused_with_what_it_lacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        use(monkeypatch, Stage="prod")

        with pytest.raises(ConfigError, match="stack skylift has no output ModelBucketName, ModelName"):
            stack_settings("skylift")

    def test_a_description_is_none_before_the_stack_exists(self) -> None:
        assert describe_stack("skylift", client=cast("Any", CloudFormation("skylift", status=None))) is None

    def test_outputs_are_by_name(self) -> None:
        description = describe_stack("skylift", client=cast("Any", CloudFormation("skylift", outputs=OUTPUTS)))

        assert description is not None
        assert outputs_of(description) == OUTPUTS
        assert outputs_of({"StackName": "new"}) == {}  # type: ignore[typeddict-item]


class TestMemory:
    def test_it_is_the_parameter_of_the_stack(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stack = CloudFormation("skylift", parameters={"Stage": "prod", "MemorySize": "1024"})
        monkeypatch.setattr(connection, "cloudformation_client", lambda: stack)

        assert stack_memory("skylift") == 1024

    @pytest.mark.parametrize("stack", [None, "skylift", "elsewhere"])
    def test_without_a_stack_or_its_parameter_it_is_not_known(
        self, stack: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, **OUTPUTS)

        assert stack_memory(stack) is None
