"""A trace says what failed and where, and nothing of the values that it failed on."""

import pytest

from skylift.errors import AwsUnavailable
from skylift.traces import trace_of, words_of

SECRET = "4111 1111"


class Odd(Exception):
    """A failure of somebody else's module."""


def raised(failure: BaseException, *, cause: BaseException | None = None) -> BaseException:
    """A failure with its trace."""
    with pytest.raises(type(failure)) as caught:
        raise failure from cause
    return caught.value


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ValueError(SECRET), "ValueError"),
        (Odd(SECRET), f"{__name__}.Odd"),
        (KeyError(SECRET), "KeyError"),
        (AwsUnavailable("S3 failed", "try again"), "skylift.errors.AwsUnavailable: S3 failed"),
    ],
)
def test_the_words_of_a_failure_are_told_where_they_are_our_own(failure: BaseException, words: str) -> None:
    assert words_of(failure) == words


def test_each_failure_of_a_chain_has_its_frames_the_first_one_first() -> None:
    trace = trace_of(raised(Odd(SECRET), cause=raised(ValueError(SECRET))))

    assert SECRET not in trace
    assert trace.index("\nValueError") < trace.index(".Odd")
    assert trace.count("in raised") == 2


def test_what_was_suppressed_is_left_out() -> None:
    failure = raised(Odd(SECRET))
    failure.__context__ = ValueError(SECRET)

    assert "ValueError" not in trace_of(failure)


def test_what_was_under_way_is_part_of_it() -> None:
    failure = Odd(SECRET)
    failure.__context__ = ValueError(SECRET)

    assert "ValueError" in trace_of(failure)


def test_a_chain_without_end_is_cut() -> None:
    first, second = ValueError(), ValueError()
    first.__context__, second.__context__ = second, first

    assert trace_of(first).count("ValueError") == 2
