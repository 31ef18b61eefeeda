"""The command line: right usage, clear failures, and where it takes its settings from."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from skylift.errors import VersionNotFound
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.version import __version__
from tests.conftest import BUCKET
from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, refused, skylift
from tests.support.models import IRIS_CONFIG, iris_package
from tests.support.ports import free_port
from tests.support.stored import placed
from training.cli import connection
from training.cli.app import app

COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]


@pytest.fixture
def config() -> Path:
    return IRIS_CONFIG


@pytest.fixture(autouse=True)
def _signals_stay_as_they_were() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def published(registry: Registry) -> Registry:
    placed(iris_package())
    return registry


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("fly",),
            ("promote",),
            ("bake", "v1"),
            ("promote", "v1", "v2"),
            ("versions", "--colour"),
            ("up", "--port", "http"),
            ("up", "--port", "0"),
            ("up", "--port", "65536"),
            ("train", "--config"),
        ],
        ids=" ".join,
    )
    def test_wrong_usage_ends_with_code_2_and_says_how_it_is_meant_on_stderr(self, arguments: tuple[str, ...]) -> None:
        result = skylift(*arguments)

        assert result.exit_code == 2
        assert "Error" in result.stderr
        assert result.stdout == ""

    def test_help_lists_every_command(self) -> None:
        text = done("--help")

        assert {*COMMANDS, *(group.name for group in app.registered_groups)} <= set(text.split())

    def test_the_release_is_told(self) -> None:
        assert done("--version") == f"skylift {__version__}\n"

    def test_without_a_command_the_help_is_shown(self) -> None:
        assert "versions" in skylift().output

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_explains_itself(self, command: str) -> None:
        option = {"simulate": "--json", "init": "--target", "page": "--stack"}.get(command, "--config")

        assert option in done(command, "--help")


class TestFailures:
    def test_a_failure_is_a_line_on_stderr_and_one_with_what_to_do(self, aws: None) -> None:
        assert refused("promote", "v9") == "error: iris has no version v9\nhint: see `skylift versions`"

    def test_debug_shows_the_trace(self, aws: None) -> None:
        result = skylift("--debug", "promote", "v9")

        assert result.exit_code == 1
        assert isinstance(result.exception, VersionNotFound)

    def test_a_bucket_that_is_not_named_is_asked_for(self, monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
        monkeypatch.delenv("SKYLIFT_BUCKET")

        assert "set SKYLIFT_BUCKET, or name a stack with --stack" in refused("versions")

    def test_a_bucket_that_does_not_exist_is_named(self, aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYLIFT_BUCKET", "elsewhere")

        assert "elsewhere" in refused("versions")

    def test_a_stage_that_cannot_be_part_of_a_name_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYLIFT_STAGE", "Dev/1")

        assert refused("versions").startswith("error: SKYLIFT_STAGE: ")

    def test_text_in_brackets_is_shown_as_it_is(self, aws: None) -> None:
        assert "[bold]" in refused("promote", "[bold]")

    @pytest.mark.parametrize("command", ["train", "up"])
    def test_a_configuration_that_is_not_there_is_named(self, aws: None, command: str, tmp_path: Path) -> None:
        port = ("--port", free_port()) if command == "up" else ()

        assert "nowhere.yaml cannot be read" in refused(command, "--config", tmp_path / "nowhere.yaml", *port)

    @pytest.mark.parametrize("command", ["up", "serve"])
    def test_a_port_in_use_is_refused_with_another_to_try(
        self, command: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)  # in the checkout the model may be served right now

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            line = refused(command, "--config", config, "--port", port)

        assert f"port {port} cannot be opened (" in line
        assert "skylift up --port " in line


class TestSettings:
    def test_the_models_name_is_of_the_environment(self, monkeypatch: pytest.MonkeyPatch, aws: None) -> None:
        monkeypatch.setenv("SKYLIFT_MODEL", "wine")

        assert "wine has no version v1" in refused("promote", "v1")

    def test_the_models_name_is_else_of_model_yaml(
        self, monkeypatch: pytest.MonkeyPatch, aws: None, config: Path
    ) -> None:
        monkeypatch.delenv("SKYLIFT_MODEL")

        assert "iris has no version v1" in refused("promote", "v1", "--config", config)

    def test_a_model_is_not_published_under_the_name_of_another(
        self, monkeypatch: pytest.MonkeyPatch, registry: Registry, config: Path
    ) -> None:
        monkeypatch.setenv("SKYLIFT_MODEL", "wine")

        assert "is for the model iris, not wine\nhint: name the one for wine with --config" in refused(
            "train", "--config", config
        )


@pytest.mark.usefixtures("loaded_in_this_process")
class TestStack:
    @pytest.fixture(autouse=True)
    def _stacks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = CloudFormation("skylift", outputs={"ModelBucketName": BUCKET, "Stage": "test", "ModelName": "iris"})
        monkeypatch.setattr(connection, "cloudformation_client", lambda: known)

    @pytest.fixture(autouse=True)
    def _nothing_else_names_the_registry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SKYLIFT_BUCKET", "SKYLIFT_STAGE", "SKYLIFT_MODEL"):
            monkeypatch.delenv(name)

    def test_the_outputs_of_a_stack_name_the_registry(self, published: Registry) -> None:
        assert done("promote", "v1", "--stack", "skylift").startswith("Active: v1@sha256:")
        assert published.resolve().manifest.version == 1

    def test_the_environment_can_name_the_stack(self, published: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SKYLIFT_STACK", "skylift")

        assert "v1" in done("versions")

    def test_a_stack_that_does_not_exist_is_refused(self) -> None:
        assert refused("versions", "--stack", "nowhere").startswith("error: there is no stack nowhere")


class TestServe:
    def test_it_hands_over_to_the_service_with_its_settings(
        self, monkeypatch: pytest.MonkeyPatch, config: Path
    ) -> None:
        started: list[tuple[list[str], RegistrySettings]] = []
        monkeypatch.setattr("os.execv", lambda _, command: started.append((command, RegistrySettings())))
        monkeypatch.delenv("SKYLIFT_MODEL")
        monkeypatch.setenv("SKYLIFT_MODEL", "wine")
        port = free_port()

        done("serve", "--config", config, "--port", port)

        ((command, settings),) = started
        assert command[1:] == ["-m", "inference", "--port", str(port)]
        assert settings.model == "wine"
