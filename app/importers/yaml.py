"""YAML as plain values."""

from __future__ import annotations

import warnings
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MantissaNoDotYAML1_1Warning, YAMLError

MAX_CHARACTERS = 1_000_000


def read_yaml(text: str, version: tuple[int, int] = (1, 2)) -> Any:
    """The one document of a text; JSON is YAML too. In version 1.1, `yes` and `off` are truth values.

    Raises ValueError, with the place, if it is none.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"the document has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    parser = YAML(typ="safe", pure=True)
    parser.version = version
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MantissaNoDotYAML1_1Warning)  # 1e-3 is a number to everyone but YAML 1.1
            return parser.load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


def write_yaml(document: Any) -> str:
    """The document as YAML, in the order that it has."""
    emitter = YAML(typ="safe", pure=True)
    emitter.default_flow_style = False
    emitter.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    text = StringIO()
    emitter.dump(document, text)
    return text.getvalue()
