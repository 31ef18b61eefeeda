"""References: valid and invalid names of a version."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skylift.errors import InvalidReference
from skylift.references import Reference, parse_version, sha256, version_name

DIGEST = "0123456789abcdef" * 4

NOT_REFERENCES = {
    "empty": "",
    "nothing": "none",
    "name only": "v7",
    "no v": f"7@sha256:{DIGEST}",
    "version zero": f"v0@sha256:{DIGEST}",
    "leading zero": f"v07@sha256:{DIGEST}",
    "negative": f"v-7@sha256:{DIGEST}",
    "too large a number": f"v1234567890@sha256:{DIGEST}",
    "digits of another script": f"v\u0667@sha256:{DIGEST}",
    "short digest": f"v7@sha256:{DIGEST[:-1]}",
    "long digest": f"v7@sha256:{DIGEST}0",
    "upper case digest": f"v7@sha256:{DIGEST.upper()}",
    "another algorithm": f"v7@md5:{DIGEST}",
    "leading space": f" v7@sha256:{DIGEST}",
    "trailing newline": f"v7@sha256:{DIGEST}\n",
    "two references": f"v7@sha256:{DIGEST},v8@sha256:{DIGEST}",
}


@settings(deadline=None)
@given(number=st.integers(1, 999_999_999), digest=st.binary(min_size=32, max_size=32))
def test_a_written_reference_reads_back_as_itself(number: int, digest: bytes) -> None:
    reference = Reference(number, digest.hex())

    assert Reference.parse(str(reference)) == reference


def test_a_reference_is_written_like_that_of_a_container_image() -> None:
    assert str(Reference(7, DIGEST)) == f"v7@sha256:{DIGEST}"


def test_a_reference_names_its_version() -> None:
    assert Reference(7, DIGEST).name == version_name(7) == "v7"


@pytest.mark.parametrize("text", NOT_REFERENCES.values(), ids=NOT_REFERENCES.keys())
def test_anything_else_is_not_a_reference(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)

    assert caught.value.hint == "write it as v7@sha256:<64 hex digits>"


def test_the_refusal_of_a_long_text_stays_short() -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("x" * 10_000)

    assert len(str(caught.value)) < 250


def test_references_sort_by_number_not_by_name() -> None:
    references = [Reference(10, DIGEST), Reference(9, DIGEST)]

    assert [reference.name for reference in sorted(references)] == ["v9", "v10"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", (7, None)), ("v7", (7, None)), ("v12", (12, None)), (f"v7@sha256:{DIGEST}", (7, DIGEST))],
)
def test_a_person_may_write_a_version_as_number_name_or_reference(text: str, expected: tuple[int, str | None]) -> None:
    assert parse_version(text) == expected


@pytest.mark.parametrize("text", ["", "v", "0", "v0", "V7", "7.0", "-1", "latest", "v7 ", "v7\n", "1234567890"])
def test_other_words_are_not_a_version(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_version(text)

    assert "v7 or v7@sha256:" in caught.value.hint


def test_a_version_with_a_broken_digest_is_not_taken_for_the_version_alone() -> None:
    with pytest.raises(InvalidReference):
        parse_version("v7@sha256:0123")


def test_digests_are_sha256_in_lower_case_hex() -> None:
    assert sha256(b"iris") == hashlib.sha256(b"iris").hexdigest()
