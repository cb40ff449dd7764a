"""What is made ready ahead serves every question: none waits until something more is compiled."""

from __future__ import annotations

import subprocess
import sys
import textwrap

QUESTIONS = """
    import gc
    import numpy as np
    from numba.core.dispatcher import Dispatcher
    from app.search.branch_and_bound import GLANCE, STEADY, UNTIL_PROVEN, top_k
    from app.search.compiled import make_ready
    from app.search.grid import Factors
    from app.search.scan import scan

    def compiled():
        native = [d for d in gc.get_objects() if isinstance(d, Dispatcher) and d.py_func.__module__.startswith("app.")]
        return {f"{d.py_func.__module__}.{d.__name__} {s}" for d in native for s in d.signatures}

    for _ in make_ready():
        pass
    ready = compiled()
    assert len(ready) > 20, ready
    rng = np.random.default_rng(0)
    scopes = ((0,), (0, 1), (1, 2, 3), (0, 2, 3), (2, 3, 4), (0, 1, 4), (3, 4))
    maps = tuple(tuple(rng.integers(0, 3, 6) for _ in scope) for scope in scopes)
    tables = [rng.normal(size=(3,) * len(scope)) for scope in scopes]
    tables[-1][0, 0] = -np.inf
    for k in (1, 50):
        for effort in (GLANCE, STEADY, UNTIL_PROVEN):
            for many in (tables[:-1], tables):
                n = len(many)
                top_k(Factors((6,) * 5, 0.5, scopes[:n], maps[:n], tuple(many)), k, effort=effort)
    for threads in (1, 2):
        scan(Factors((6,) * 5, 0.5, scopes[:-1], maps[:-1], tuple(tables[:-1])), 20, threads=threads)
    print(*sorted(compiled() - ready), sep="\\n")
"""


def test_no_question_compiles_anything() -> None:
    """In a process of its own: other tests have compiled here what they needed."""
    asked = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(QUESTIONS)], capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == ""
