"""Hyperparameters: what a person or a search chose, of any type, nested, and differing between runs."""

from __future__ import annotations

from app.featurise.lists import list_statistics
from app.featurise.schema import Source, is_log_like

SOURCE = Source("hyperparameters", list_statistics, is_log_like)
