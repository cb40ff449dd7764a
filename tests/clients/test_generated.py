"""The committed clients are what the generators make of the committed document, and that is what the code says.

The generators of Python and Go need an environment of their own, so their work is compared by digest; whoever changes
the document, or a generated file by hand, is told here to run `make openapi`.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.config import Settings
from app.main import create_app
from tests.acceptance.service import ROOT


def _generate() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate", ROOT / "openapi" / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(made)
    return made


generate = _generate()
RECORDED: dict[str, str] = json.loads((ROOT / "openapi" / "generated.json").read_text("utf-8"))


@pytest.mark.parametrize("part", ["document", "python", "typescript", "go"])
def test_no_client_is_stale_or_changed_by_hand(part: str) -> None:
    assert generate.digests(create_app(Settings()).openapi())[part] == RECORDED[part], "run: make openapi"


def test_a_change_of_the_document_is_noticed() -> None:
    changed = json.loads((ROOT / "openapi" / "openapi.json").read_text("utf-8"))
    changed["paths"]["/v1/runs"]["post"]["summary"] += "!"
    assert generate.digests(changed)["document"] != RECORDED["document"]


@pytest.mark.parametrize("module", generate.COPIED)
def test_the_copies_are_the_services_own(module: str) -> None:
    committed = ROOT / "openapi" / "python" / "forerun_client" / "meta_features" / f"{module}.py"
    assert committed.read_text("utf-8") == generate.described()[module], "run: make openapi"


def test_typescript_is_generated_anew_and_equal(tmp_path: Path) -> None:
    generate.generate_typescript(tmp_path / "schema.ts")
    assert (tmp_path / "schema.ts").read_bytes() == (ROOT / "openapi" / "typescript" / "src" / "schema.ts").read_bytes()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}], "description": "d"},
         {"type": ["number", "null"], "minimum": 0, "description": "d"}),
        ({"oneOf": [{"type": "string"}], "discriminator": {}}, {"anyOf": [{"type": "string"}]}),
        ({"default": {"a": 1}, "items": {"default": 3}}, {"items": {"default": 3}}),
        ({"additionalProperties": {"$ref": "#/components/schemas/JsonValue"}}, {"additionalProperties": True}),
    ],
)  # fmt: skip
def test_go_gets_what_it_can_compile(schema: Any, expected: Any) -> None:
    assert generate.for_go(schema) == expected


def test_generated_code_names_no_place() -> None:
    """A lock without addresses, so that any registry will do."""
    lock = json.loads((ROOT / "openapi" / "typescript" / "package-lock.json").read_text("utf-8"))
    assert all("resolved" not in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
