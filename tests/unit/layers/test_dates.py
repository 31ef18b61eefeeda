"""Dates as texts: what a form reads, what it refuses, and what it tells people."""

import pickle

import pytest

from skylift.dates import ISO_DAY, ISO_MOMENT, ISO_TIME, DateForm

DAY, NOON = 1_388_448_000_000, 1_388_448_000_000 + 12 * 3_600_000
WITH_OFFSET = "a date and time with its offset such as '2026-03-31T10:00:00Z'"


@pytest.mark.parametrize(
    ("form", "text", "time"),
    [
        (ISO_DAY, "2013-12-31", DAY),
        (ISO_DAY, "2013-12-31T00:00:00", DAY),
        (ISO_DAY, "2013-12-31 00:00:00.000", DAY),
        ("%d-%m-%Y", "31-12-2013", DAY),
        ("%d-%m-%Y", "2013-12-31", DAY),
        ("%d.%m.%Y", "31.12.2013", DAY),
        ("%m/%d/%Y", "12/31/2013", DAY),
        ("%Y/%m/%d", "2013/12/31", DAY),
        ("%d.%m.%y", "31.12.13", DAY),
        ("%d.%m.%y", "31.12.69", -86_400_000),
        ("%d-%b-%Y", "31-DEC-2013", DAY),
        ("%d %b %Y", "31 December 2013", DAY),
        ("%Y%m%d", "20131231", DAY),
        ("%Y-%m", "2013-12", DAY - 30 * 86_400_000),
        ("%m/%Y", "12/2013", DAY - 30 * 86_400_000),
        ("%b %Y", "2013-12-31", DAY),
        ("%A, %B %d, %Y", "Tuesday, December 31, 2013", DAY),
        ("%a, %d %b %Y %H:%M:%S %z", "Tue, 31 Dec 2013 12:00:00 GMT", NOON),
        ("%Y-%m-%d %H:%M:%S %z", "2013-12-31 12:00:00 UTC", NOON),
        ("%d/%b/%Y:%H:%M:%S %z", "31/Dec/2013:14:00:00 +0200", NOON),
        ("%Q", "1388491200000", NOON),
        (ISO_TIME, "2013-12-31T12:00:00", NOON),
        (ISO_TIME, "2013-12-31 12:00", NOON),
        (ISO_TIME, "2013-12-31", DAY),
        (ISO_TIME, "2013-12-31T12:00:00.1239", NOON + 123),
        ("%d.%m.%Y %H:%M", "31.12.2013 12:00", NOON),
        ("%m/%d/%Y %I:%M:%S %p", "12/31/2013 12:00:00 PM", NOON),
        ("%m/%d/%Y %I:%M %p", "12/31/2013 12:00 am", DAY),
        (ISO_MOMENT, "2013-12-31T12:00:00Z", NOON),
        (ISO_MOMENT, "2013-12-31T14:00:00+02:00", NOON),
        (ISO_MOMENT, "2013-12-31 06:30:00-05:30", NOON),
        ("%d.%m.%Y %H:%M %z", "31.12.2013 14:00 +0200", NOON),
        ("%s", "1388491200", NOON),
        ("%s", "2013-12-31T12:00:00Z", NOON),
        (ISO_DAY, "0001-01-01", -62_135_596_800_000),
        (ISO_DAY, "9999-12-31", 253_402_214_400_000),
        (ISO_DAY, "2024-02-29", 1_709_164_800_000),
    ],
)
def test_a_form_reads_its_own_texts_and_those_of_iso_8601(form: str, text: str, time: int) -> None:
    assert DateForm(form).read(text) == time


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (ISO_DAY, "2023-02-30"),
        (ISO_DAY, "2023-02-29"),
        (ISO_DAY, "0000-01-01"),
        (ISO_DAY, "10000-01-01"),
        (ISO_DAY, "2013-12-31T12:00:00"),
        (ISO_DAY, "2013-12-31T00:00:00Z"),
        (ISO_DAY, "31.12.2013"),
        (ISO_DAY, "2013-12-3"),
        (ISO_DAY, "2013-12-"),
        (ISO_TIME, "2013-12-3"),
        (ISO_DAY, "2013-W01-1"),
        (ISO_DAY, "20131231"),
        (ISO_DAY, "2013-12-3\uff11"),
        (ISO_DAY, ""),
        (ISO_DAY, "9" * 2**20),
        (ISO_DAY, 20131231),
        (ISO_DAY, True),
        (ISO_DAY, None),
        (ISO_TIME, "2016-12-31T23:59:60"),
        (ISO_TIME, "2016-12-31T24:00"),
        (ISO_TIME, "2016-12-31T12"),
        (ISO_TIME, "2016-12-31T12:00:00Z"),
        (ISO_MOMENT, "2016-12-31T12:00:00"),
        (ISO_MOMENT, "2016-12-31"),
        (ISO_MOMENT, "0001-01-01T00:00:00+05:00"),
        ("%d.%m.%Y", "30.2.2023"),
        ("%d.%m.%Y", "12/31/2013"),
        ("%m/%d/%Y %I:%M %p", "12/31/2013 13:00 PM"),
        ("%Y%m%d", "2013121"),
        ("%Y%m%d", 20131231.5),
        ("%Y%m%d", float("nan")),
        ("%Y%m%d", float("inf")),
        ("%s", "nan"),
        ("%s", 1e300),
        ("%s", 10**400),
        ("%Q", -(10**400)),
        ("%s", "soon"),
        ("%s", "1_000"),
        ("%Q", "١٢٣"),
        ("%s", False),
    ],
)
def test_anything_else_is_not_read(form: str, value: object) -> None:
    assert DateForm(form).read(value) is None


@pytest.mark.parametrize(
    ("form", "number"), [("%s", 1388448000), ("%s", 1388448000.0), ("%Q", 1388448000000), ("%Y%m%d", 20131231)]
)
def test_a_form_of_digits_alone_takes_numbers(form: str, number: float) -> None:
    assert DateForm(form).read(number) == DAY


@pytest.mark.parametrize(
    ("form", "written", "own"),
    [
        (ISO_DAY, "2013-12-31", "2013-12-31"),
        ("%d.%m.%Y", "2013-12-31", "31.12.2013"),
        (ISO_TIME, "2013-12-31T12:00:00", "2013-12-31T12:00:00"),
        (ISO_MOMENT, "2013-12-31T12:00:00Z", "2013-12-31T12:00:00+0000"),
        ("%s", "2013-12-31T12:00:00Z", "1388491200"),
        ("%Q", "2013-12-31T12:00:00Z", "1388491200000"),
        ("%A, %d %B %Y", "2013-12-31", "Tuesday, 31 December 2013"),
    ],
)
def test_a_time_is_written_in_iso_8601_and_as_the_table_has_it(form: str, written: str, own: str) -> None:
    read = DateForm(form)

    assert (read.write(NOON), read.write_own(NOON)) == (written, own)
    assert read.read(read.write(NOON)) == (NOON if read.has_clock else DAY)


def test_milliseconds_are_written_unless_they_are_zero() -> None:
    assert DateForm(ISO_TIME).write(NOON + 7) == "2013-12-31T12:00:00.007"


@pytest.mark.parametrize(
    "form",
    ["", "%d.%m", "%Y", "%Y-%m %H", "%Q%Y%m", "%d.%m.%Y %d", "%I:%M %d.%m.%Y", "%Y-%m-%d %z", "%Y-%d-%m", "100%"],
)
def test_a_form_that_names_no_day_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="a form"):
        DateForm(form)


@pytest.mark.parametrize(
    ("form", "text", "doubt"),
    [
        (ISO_DAY, "2023-02-30", "there is no such day or time"),
        (ISO_TIME, "2016-12-31T23:59:60", "there is no such day or time"),
        (ISO_DAY, "2013-12-31T12:00:00", "a time is not known here"),
        (ISO_TIME, "2013-12-31T12:00:00Z", "an offset is not known here"),
        (ISO_MOMENT, "2013-12-31T12:00:00", "the offset is missing"),
        (ISO_MOMENT, "2013-12-31", "the time is missing"),
        ("%d-%m-%Y", "31-02-2013", "there is no such day or time"),
        ("%Y-%m", "2013-13", "there is no such day or time"),
        ("%d-%m-%Y", "12/31/2013", "not a date"),
        (ISO_DAY, "soon", "not a date"),
        (ISO_DAY, "9" * 2**20, "no date is so long"),
    ],
)
def test_what_is_wrong_with_a_text_is_told(form: str, text: str, doubt: str) -> None:
    assert DateForm(form).doubt(text) == doubt


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (ISO_DAY, "a date such as '2026-03-31'"),
        ("%d-%m-%Y", "a date such as '2026-03-31' or '31-03-2026'"),
        (ISO_TIME, "a date and time without an offset such as '2026-03-31T10:00:00'"),
        (ISO_MOMENT, WITH_OFFSET),
        (
            "%s",
            "a date and time with its offset such as '2026-03-31T10:00:00Z', or seconds since 1970 such as 1774951200",
        ),
    ],
)
def test_the_expectation_shows_a_time_that_the_form_takes(form: str, words: str) -> None:
    assert DateForm(form).words == words


def test_a_form_goes_to_other_processes_without_what_it_remembers() -> None:
    form = DateForm("%d.%m.%Y")
    assert form.read("31.12.2013") == DAY

    assert pickle.loads(pickle.dumps(form)).read("31.12.2013") == DAY
