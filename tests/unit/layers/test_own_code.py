"""A version's own modules come from its bytes, keep their names, and never mix with those of another version."""

import pickle
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from types import ModuleType
from typing import Any

import pytest

from skylift import own_code
from skylift.errors import UnservableModel
from skylift.own_code import NO_CODE, NotInTheImage, OwnCode
from tests.support.waiting import TIMES_OUT

PRICES = """
from helpers import factor

class Prices:
    def of(self, amount):
        from helpers import rounded      # at the time of a request
        return rounded(amount * factor)
"""


SHIFTS = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Shift:
    by: int = 0

    def of(self):
        return 1 / self.by
"""


def helpers(factor: int) -> str:
    return f"factor = {factor}\n\ndef rounded(value):\n    return [value, {factor}]\n"


def code(factor: int) -> OwnCode:
    return OwnCode({"prices.py": PRICES, "helpers.py": helpers(factor)})


def made(of: OwnCode) -> Any:
    with of.importable():
        return import_module("prices").Prices()


@pytest.fixture
def held() -> Iterator[None]:
    """Another thread whose import does not end."""
    begun, ended = Event(), Event()

    def hang() -> None:
        with code(9).importable():
            begun.set()
            ended.wait(TIMES_OUT)

    thread = Thread(target=hang)
    thread.start()
    begun.wait(TIMES_OUT)
    yield
    ended.set()
    thread.join()


def test_two_of_one_name_do_not_mix() -> None:
    twice, thrice = code(2), code(3)

    first, second = made(twice), made(thrice)

    assert (first.of(10), second.of(10), first.of(1)) == ([20, 2], [30, 3], [2, 2])


def test_objects_travel_as_bytes_by_the_names_of_their_modules() -> None:
    twice, thrice = code(2), code(3)

    data = twice.dumps(made(twice))

    assert b"prices" in data
    assert (twice.loads(data).of(10), thrice.loads(data).of(10)) == ([20, 2], [30, 3])


def test_they_travel_with_folds_to_other_processes() -> None:
    copy: OwnCode = pickle.loads(pickle.dumps(code(2)))

    assert made(copy).of(10) == [20, 2]


def test_nothing_is_left_among_the_modules_of_the_process() -> None:
    made(code(2))

    assert not {"prices", "helpers"} & sys.modules.keys()
    assert not any(type(finder).__module__ == own_code.__name__ for finder in sys.meta_path)


def test_a_module_of_the_process_with_the_same_name_is_neither_used_nor_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("helpers")
    monkeypatch.setitem(sys.modules, "helpers", other)

    assert made(code(2)).of(10) == [20, 2]
    assert sys.modules["helpers"] is other


def test_the_path_is_never_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "helpers.py").write_text(helpers(7))
    monkeypatch.syspath_prepend(tmp_path)

    assert made(code(2)).of(10) == [20, 2]


def test_packages_import_their_parts_by_any_form() -> None:
    shapes = OwnCode(
        {
            "shapes/__init__.py": "from .square import area\nfrom . import units\nimport shapes.round.circle",
            "shapes/square.py": "from shapes.units import UNIT\ndef area(side):\n    return side * side, UNIT",
            "shapes/units.py": "UNIT = 'm2'",
            "shapes/round/__init__.py": "",
            "shapes/round/circle.py": "from ..units import *\nPI = (3, UNIT)",
        }
    )

    with shapes.importable():
        module = import_module("shapes")

    assert (module.area(2), module.units.UNIT, module.round.circle.PI) == ((4, "m2"), "m2", (3, "m2"))


def test_dataclasses_and_lines_of_tracebacks_work() -> None:
    shifts = OwnCode({"shifts.py": SHIFTS})
    with shifts.importable():
        shift = import_module("shifts").Shift()

    with pytest.raises(ZeroDivisionError) as caught:
        shift.of()

    assert shifts.place_of(caught.value) == "shifts.py, line 10"
    assert code(2).place_of(caught.value) == ""


def test_a_module_of_its_own_that_it_lacks_is_missing() -> None:
    with (
        OwnCode({"prices.py": PRICES}).importable(),
        pytest.raises(ModuleNotFoundError, match="No module named 'helpers'"),
    ):
        import_module("prices")


class TestWhatTheImageHas:
    def test_what_it_lacks_cannot_be_imported(self) -> None:
        lacking = OwnCode({"prices.py": "import math\nimport yaml\n"}, frozenset({"numpy"}))

        with lacking.importable(), pytest.raises(NotInTheImage, match="yaml is not in the image of the service"):
            import_module("prices")

    def test_nor_later_by_a_function(self) -> None:
        lacking = OwnCode({"prices.py": "def of():\n    import yaml\n"}, frozenset({"numpy"}))
        with lacking.importable():
            module = import_module("prices")

        with pytest.raises(NotInTheImage):
            module.of()

    def test_what_a_module_can_do_without_it_may_miss(self) -> None:
        source = "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n"

        with (lacking := OwnCode({"prices.py": source}, frozenset())).importable():
            assert import_module("prices").yaml is None
        assert lacking


class TestCodeWhoseImportDoesNotEnd:
    @pytest.mark.usefixtures("held")
    def test_it_keeps_no_other_from_being_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(own_code, "_WAIT_SECONDS", 0.0)

        with pytest.raises(UnservableModel, match="does not end its import"):
            made(code(2))

    def test_it_keeps_no_loaded_version_from_answering(
        self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        prices = made(code(2))
        prices.of(1)
        monkeypatch.setattr(own_code, "_WAIT_SECONDS", 0.0)
        request.getfixturevalue("held")

        assert prices.of(10) == [20, 2]

    @pytest.mark.usefixtures("held")
    def test_it_does_not_concern_versions_without_code(self) -> None:
        with NO_CODE.importable():
            assert not NO_CODE


class TestStored:
    def test_it_reads_what_it_wrote(self) -> None:
        assert OwnCode.from_bytes(code(2).to_bytes(), source="code.json").files == code(2).files

    def test_something_else_is_refused(self) -> None:
        with pytest.raises(UnservableModel, match=r"code.json of v1 holds no sources \(files: missing\)"):
            OwnCode.from_bytes(b"{}", source="code.json of v1")
