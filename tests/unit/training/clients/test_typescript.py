"""The client in TypeScript, as it is written; `tests/e2e/test_clients.py` compiles and calls it."""

from importlib.resources import files

from skylift.contract import Contract, Target
from skylift.feature import Feature
from tests.unit.training.clients.test_python import SMALL
from training.clients.typescript import typescript_client


def test_the_template_is_the_client_of_a_small_contract() -> None:
    template = files("training.clients").joinpath("template.ts").read_text(encoding="utf-8")
    for mark in ("constants", "/constants", "types", "/types"):
        template = template.replace(f"// <{mark}>\n", "")
    assert typescript_client("flats", SMALL) == template


def test_names_values_and_words_stay_on_their_lines() -> None:
    evil = '"; evil(); //\n*/ evil()\u2028evil()'
    feature = Feature(name=evil, kind="category", categories=(evil,), unknown="refuse", description=evil)
    contract = Contract(
        task="regression",
        features=(feature, Feature(name="__proto__", kind="number")),
        target=Target(name=evil, unit=evil),
    )
    lines = typescript_client(evil, contract).splitlines()
    assert not [line for line in lines if line.lstrip().startswith("evil()")]
    assert any(line.startswith("  value: number | null; // ") for line in lines)
    assert any('["__proto__"]: null' in line for line in lines if line.startswith("export const EXAMPLE"))
