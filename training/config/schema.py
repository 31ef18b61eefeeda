"""The JSON Schema of `model.yaml`, by which editors complete and check the file.

`python -m training.config.schema` writes it again; a `model.yaml` names it in its first line.
"""

import json
import re
from pathlib import Path
from typing import Any

from training.config import ModelConfig
from training.metrics.registry import METRICS

SCHEMA_FILE = Path(__file__).parents[1] / "model.schema.json"

_LEFT_OUT = {"title", "words", "default"}  # of names, for the words of errors, and what the descriptions say
_PARAMETERS = re.compile(r"\n\nParameters\n-+\n(?P<items>.*?)(?:\n\n[A-Z]\w+\n-+\n.*)?\Z", re.DOTALL)
_ITEM = re.compile(r"^(?P<names>\w[\w, ]*)\n(?P<text>(?:    .*\n?)+)", re.MULTILINE)
_ONE_TEXT = {"type": "string"}
_SPACE = {
    "anyOf": [
        {"type": "array", "minItems": 1},
        {"$ref": "#/$defs/Distribution"},
    ]
}

type Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a whole file: what `load_config` takes, with the meaning of every key.

    Returns
    -------
    dict
        JSON Schema, draft 2020-12.
    """
    whole = ModelConfig.model_json_schema()
    sections: dict[str, Schema] = whole["$defs"]
    described = {name: _described(section) for name, section in sections.items() if name not in {"Location", "S3Url"}}
    top = _described({key: value for key, value in whole.items() if key != "$defs"})
    described["DataSection"]["properties"]["path"] |= _ONE_TEXT
    del described["DataSection"]["properties"]["path"]["$ref"]
    selectable = {name: metric for name, metric in METRICS.items() if metric.selectable}
    gates = described["GatesSection"]
    gates["properties"] |= {
        name: {"anyOf": [{"$ref": "#/$defs/Bound"}, {"type": "null"}], "description": metric.meaning}
        for name, metric in selectable.items()
    }
    gates["additionalProperties"] = False
    top["properties"]["select_by"] |= {"anyOf": [{"enum": list(selectable)}, {"type": "null"}]}
    search = {"description": "The parameters alone.", "type": "object", "additionalProperties": _SPACE}
    described["Candidate"]["properties"]["search"]["anyOf"].insert(1, search)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "model.yaml",
        **top,
        "$defs": described,
    }


def to_bytes() -> bytes:
    """The schema as its file has it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False).encode() + b"\n"


def _described(section: Schema) -> Schema:
    """A section whose keys have the descriptions that its docstring gives them."""
    plain: Schema = _plain(section)
    text = section.get("description", "")
    meanings = _meanings(text)
    for name, schema in plain.get("properties", {}).items():
        if name in meanings:
            schema["description"] = meanings[name]
    if text:
        plain["description"] = " ".join(text.split("\n\n")[0].split())
    return plain


def _meanings(text: str) -> dict[str, str]:
    """The parameters of a docstring with what is said of them."""
    found = _PARAMETERS.search(text)
    return {
        name.strip(): " ".join(item["text"].split())
        for item in _ITEM.finditer(f"{found['items']}\n" if found else "")
        for name in item["names"].split(",")
    }


def _plain(schema: Any) -> Any:
    """A schema without what only this project reads; names of keys stay, whatever they are."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(one) for name, one in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in _LEFT_OUT
    }


if __name__ == "__main__":
    SCHEMA_FILE.write_bytes(to_bytes())
