"""Functions in machine code: numba, compiled once for a machine and kept on disk, run without the interpreter's lock.

Modules that define such functions import numba, which takes most of a second: they are imported where they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def native(function: _Function) -> _Function:
    """The function in machine code; kept on disk wherever this installation, or its user, has a place to write."""
    try:
        return cast("_Function", njit(function, nogil=True, cache=True, error_model="numpy"))
    except RuntimeError:  # nowhere to keep it: compiled anew in every process
        return cast("_Function", njit(function, nogil=True, error_model="numpy"))
