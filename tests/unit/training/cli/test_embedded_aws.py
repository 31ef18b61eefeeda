"""The embedded AWS: where it is reached, and what it keeps in its folder."""

import os
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from skylift.aws import ssm_client
from skylift.errors import ConfigError
from skylift.pointer import ActivePointer
from training.cli.connection import LOCAL_BUCKET
from training.cli.embedded_aws import embedded_aws
from training.cli.local import check_port

pytestmark = pytest.mark.usefixtures("own_environment")


class TestEmbeddedAws:
    def test_the_bucket_keeps_versions_and_the_pointer_names_nothing(self) -> None:
        with embedded_aws("wine"):
            versioning = boto3.client("s3").get_bucket_versioning(Bucket=LOCAL_BUCKET)
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
            assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == [LOCAL_BUCKET]
            assert ActivePointer("local", "wine", client=ssm_client()).read() is None

    def test_what_else_goes_around_the_proxy_stays_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("no_proxy", "intranet.example.org")

        with embedded_aws("wine") as environment:
            assert environment["no_proxy"].split(",") == ["intranet.example.org", "127.0.0.1"]

    def test_setting_it_up_again_in_one_process_is_not_an_error_as_after_a_first_try_without_an_answer(self) -> None:
        for _ in range(2):
            with embedded_aws("wine"):
                assert ActivePointer("local", "wine", client=ssm_client()).read() is None

    def test_nothing_listens_after_it_ended(self) -> None:
        with embedded_aws("wine") as environment:
            port = int(environment["AWS_ENDPOINT_URL"].rpartition(":")[2])
            with pytest.raises(ConfigError):
                check_port(port)

        check_port(port)


def test_a_write_that_cannot_be_kept_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path), len(data))

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with embedded_aws("wine", tmp_path / "aws"):
        with monkeypatch.context() as patch:
            patch.setattr("training.cli.aws_state.replace_file", full)
            with pytest.raises(ClientError, match="500"):
                boto3.client("s3").put_object(Bucket=LOCAL_BUCKET, Key="key", Body=b"body")
        assert "cannot keep a write" in capsys.readouterr().err
