"""Search spaces of other tools -> the language of `app.space`, with a warning for whatever is lost.

    translated = translate("optuna", {"lr": {"name": "FloatDistribution", "attributes": {...}}})
    translated.document()   # {"parameters": {"lr": {"type": "float", ...}}}
    translated.warnings

A warning means that the spaces differ: a density became a range, a condition could not be said. What has no warning
holds the same configurations. A document that is none of its kind raises CannotTranslate with a pointer into it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.importers.spaces import configspace, katib, optuna, vizier, wandb
from app.importers.spaces.translation import CannotTranslate, Translation

__all__ = ["DIALECTS", "CannotTranslate", "Translation", "translate"]

DIALECTS: Final[Mapping[str, Callable[[Any], Translation]]] = {
    "optuna": optuna.translate,
    "configspace": configspace.translate,
    "wandb": wandb.translate,
    "vizier": vizier.translate,
    "katib": katib.translate,
}


def translate(dialect: str, document: Any) -> Translation:
    """The foreign document as a space that our own reader has taken. Raises: InvalidSearchSpace."""
    return DIALECTS[dialect](document).checked()
