"""Environment: where it trained (accelerators, their number, framework); read like hyperparameters.

It moves durations and memory far more than metrics, and is mostly the same for all candidates of one question.
"""

from __future__ import annotations

from app.featurise.lists import list_statistics
from app.featurise.schema import Source, is_log_like

SOURCE = Source("environment", list_statistics, is_log_like)
