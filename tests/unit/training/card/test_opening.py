"""A stored card is written where a browser finds it, and opened if there is one."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.errors import IntegrityError, ModelCardAbsent
from skylift.model_card import CARD_FILE
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.manifests import draft
from tests.support.models import changed, iris_package
from training.card.opening import open_in_browser, write_card

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_card_is_written_under_its_version_with_its_reference_in_it(registry: Registry) -> None:
    package = iris_package()
    version = registry.publish(package.describe, package.artifacts)

    path = write_card(registry, version)

    assert path == Path("build/cards/iris-v1.html")
    assert str(version.reference) in path.read_text(encoding="utf-8")


def test_an_altered_card_is_refused_and_nothing_is_written(registry: Registry, s3: "S3Client") -> None:
    made = draft()
    version = registry.publish(made.describe, made.artifacts)
    s3.put_object(Bucket=BUCKET, Key="models/iris/v1/card.html", Body=b"other")

    with pytest.raises(IntegrityError, match=r"card\.html of v1 does not have the digest"):
        write_card(registry, version)
    assert list(Path("build").rglob("*.html")) == []


def test_a_version_of_an_older_release_has_none(registry: Registry) -> None:
    package = iris_package()
    artifacts = {name: file for name, file in package.describe(1).artifacts.items() if name != CARD_FILE}
    older = changed(package, artifacts=artifacts)
    version = registry.publish(older.describe, package.artifacts)

    with pytest.raises(ModelCardAbsent, match="v1 has no model card: an older release published it"):
        write_card(registry, version)


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", None])
def test_a_browser_is_asked_only_where_one_can_show_pages(
    variable: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")

    def browse(url: str) -> bool:
        pages.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, ":0")

    assert open_in_browser(Path("card.html")) is (variable is not None)
    assert pages == ([(tmp_path / "card.html").as_uri()] if variable else [])
