"""A table is a file here or an object in S3, named as the AWS tools do, and read as a file either way."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from skylift.errors import AwsUnavailable, DataError
from tests.conftest import BUCKET
from tests.support.faults import before, denied, fails_with
from training.config.locations import Location, S3Url, local_copy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCATION: TypeAdapter[Path | S3Url] = TypeAdapter(Location)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "location"),
        [
            ("data/rents.csv", Path("data/rents.csv")),
            ("s3://tables/2026/rents.csv", S3Url("tables", "2026/rents.csv")),
        ],
    )
    def test_a_location_is_read_and_written_as_text(self, text: str, location: Path | S3Url) -> None:
        assert LOCATION.validate_python(text) == location
        assert LOCATION.dump_python(location) == text

    @pytest.mark.parametrize("text", ["s3://", "s3://bucket", "s3://bucket/", "s3://bucket/folder/", "s3:///key"])
    def test_a_url_of_no_object_is_refused(self, text: str) -> None:
        with pytest.raises(ValidationError, match="should be s3://bucket/key of one object"):
            LOCATION.validate_python(text)

    def test_text_of_another_scheme_is_not_an_object(self) -> None:
        with pytest.raises(ValueError, match="s3://bucket/key"):
            S3Url.parse("http://bucket/key")


class TestLocalCopy:
    def test_a_file_is_itself(self, tmp_path: Path) -> None:
        with local_copy(tmp_path / "table.csv") as path:
            assert path == tmp_path / "table.csv"

    def test_an_object_is_a_file_of_its_name_until_the_end(self, s3: "S3Client") -> None:
        body = bytes(range(256)) * 10_000
        s3.put_object(Bucket=BUCKET, Key="tables/2026/table.csv", Body=body)

        with local_copy(S3Url(BUCKET, "tables/2026/table.csv")) as path:
            assert (path.name, path.read_bytes()) == ("table.csv", body)

        assert not path.parent.exists()

    def test_a_table_that_the_disk_cannot_hold_is_not_fetched(
        self, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        s3.put_object(Bucket=BUCKET, Key="table.csv", Body=bytes(1001))
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))

        with (
            pytest.raises(DataError, match=r"table\.csv has 1,001 bytes, and .* has 1,000 left: free some"),
            local_copy(S3Url(BUCKET, "table.csv")),
        ):
            pass

    @pytest.mark.parametrize("bucket", [BUCKET, "elsewhere"])
    def test_an_object_that_is_not_there_is_named(self, aws: None, bucket: str) -> None:
        with (
            pytest.raises(DataError, match=f"s3://{bucket}/gone.csv does not exist: check data.path"),
            local_copy(S3Url(bucket, "gone.csv")),
        ):
            pass

    def test_a_refusal_says_that_the_object_may_be_missing(
        self, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without `s3:ListBucket`, S3 refuses what is not there."""
        monkeypatch.setattr("training.config.locations.s3_client", lambda: s3)
        before(s3, "GetObject", fails_with(denied()))

        with (
            pytest.raises(AwsUnavailable, match="it is missing, or the role may not read it"),
            local_copy(S3Url(BUCKET, "gone.csv")),
        ):
            pass

    def test_an_s3_that_does_not_answer_is_told_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

        with (
            pytest.raises(AwsUnavailable, match=f"reading s3://{BUCKET}/table.csv failed"),
            local_copy(S3Url(BUCKET, "table.csv")),
        ):
            pass
