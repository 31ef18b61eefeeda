"""The main job's surroundings on one machine: ports, the embedded AWS, the file that names it, the service."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from skylift.aws import ssm_client
from skylift.errors import ConfigError
from skylift.pointer import ActivePointer
from tests.support.ports import free_port
from training.cli import local
from training.cli.local import BUCKET, LocalService, ServiceFailed, check_port, embedded_aws, environment_file

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="POSIX only: its shell, its signals, its TIME_WAIT")


@pytest.fixture(autouse=True)
def _environment_and_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    with mock_aws():  # forgets what an earlier test stored in this process
        pass
    yield
    os.environ.clear()
    os.environ.update(before)


class TestPort:
    def test_a_free_port_is_accepted(self) -> None:
        check_port(free_port())

    @pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("0.0.0.0", marks=POSIX_ONLY)])
    def test_a_port_that_something_listens_on_is_refused(self, address: str) -> None:
        said = r"cannot be opened \(.+\): choose another"
        with socket.create_server((address, 0)) as taken, pytest.raises(ConfigError, match=said):
            check_port(taken.getsockname()[1])

    @POSIX_ONLY
    def test_a_port_whose_last_connection_just_ended_is_accepted(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)) as client:
                server.accept()[0].close()  # the side that closes first waits in TIME_WAIT
                assert client.recv(1) == b""

        check_port(port)

    def test_another_port_that_can_be_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", 65535))
                taken.listen()
            except OSError:
                pass  # taken by another process, which serves as well
            with pytest.raises(ConfigError) as caught:
                check_port(65535)

        assert "65536" not in str(caught.value)


class TestEmbeddedAws:
    def test_the_bucket_keeps_versions_and_the_pointer_names_nothing(self) -> None:
        with embedded_aws("wine"):
            versioning = boto3.client("s3").get_bucket_versioning(Bucket=BUCKET)
            parameter = ssm_client().get_parameter(Name="/skylift/local/wine/active")

        assert versioning["Status"] == "Enabled"
        assert parameter["Parameter"]["Value"] == "none"

    def test_the_environment_it_yields_is_that_of_this_process(self) -> None:
        with embedded_aws("wine") as environment:
            assert environment.items() <= os.environ.items()
            assert environment["SKYLIFT_MODEL"] == "wine"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
            ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
            ("AWS_PROFILE", "company"),
            ("AWS_DEFAULT_PROFILE", "company"),
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("http_proxy", "http://127.0.0.1:9"),
        ],
    )
    def test_settings_of_the_machine_do_not_lead_away_from_it(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)

        with embedded_aws("wine"):
            assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [BUCKET]
            assert ActivePointer("local", "wine", client=ssm_client()).read() is None

    def test_what_else_goes_around_the_proxy_stays_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "intranet.example.org")

        with embedded_aws("wine") as environment:
            assert environment["no_proxy"].split(",") == ["intranet.example.org", "127.0.0.1"]

    def test_setting_it_up_again_in_one_process_is_no_error_as_after_a_first_try_without_an_answer(self) -> None:
        for _ in range(2):
            with embedded_aws("wine"):
                assert ActivePointer("local", "wine", client=ssm_client()).read() is None

    def test_nothing_listens_after_it_ended(self) -> None:
        with embedded_aws("wine") as environment:
            port = int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
            with pytest.raises(ConfigError):
                check_port(port)

        check_port(port)


class TestEnvironmentFile:
    @POSIX_ONLY
    def test_a_shell_that_reads_it_has_the_environment(self) -> None:
        with environment_file({"AWS_ENDPOINT_URL": "http://x:1", "ODD": "it's $HOME; `id`"}) as path:
            shell = [shutil.which("sh") or "sh", "-c", f'. ./{path} && printf "%s|%s" "$AWS_ENDPOINT_URL" "$ODD"']
            printed = subprocess.run(shell, check=True, capture_output=True, text=True).stdout

        assert printed == "http://x:1|it's $HOME; `id`"

    def test_it_is_gone_at_the_end_also_after_a_failure(self) -> None:
        with suppress(KeyboardInterrupt), environment_file({}) as path:
            raise KeyboardInterrupt

        assert not path.exists()


class TestService:
    def test_a_service_that_ends_at_once_is_told_with_its_code_and_its_log(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command = [sys.executable, "-c", "import sys; print('no model'); sys.exit(3)"]
        monkeypatch.setattr(local, "service_command", lambda _: command)

        with (
            LocalService(free_port()) as service,
            pytest.raises(ServiceFailed, match=r"ended with code 3: see build.service\.log"),
        ):
            service.wait_until_ready()

        assert Path("build/service.log").read_text(encoding="utf-8").strip() == "no model"

    def test_a_service_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", "import time; time.sleep(60)"])
        monkeypatch.setattr(local, "_START_SECONDS", 0.2)

        with LocalService(free_port()) as service, pytest.raises(ServiceFailed, match="was not ready"):
            service.wait_until_ready()

    @POSIX_ONLY
    def test_a_service_that_ignores_the_request_to_end_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        code = (
            "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "pathlib.Path('deaf').touch(); time.sleep(60)"
        )
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", code])
        monkeypatch.setattr(local, "_STOP_SECONDS", 0.1)

        with LocalService(free_port()) as service:
            while not Path("deaf").exists():
                assert service._process.poll() is None

        assert service.wait() == -9
