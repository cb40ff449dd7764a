"""Long runs of digits: found as regular expressions find them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from app.api.digits import long_runs

WHOLE = re.compile(rb"(?:^|[\[:,\- \t\n\r])[0-9]{16}")
ENDLESS = re.compile(rb"[0-9]{21}")
DIGITS = st.integers(1, 25).map(lambda n: b"7305918264705918364709152"[:n])
BETWEEN = st.sampled_from([b" ", b".", b"-", b":", b",", b"[", b"\n", b"e", b'"', b"x", b"/", b"\xc3\xa9", b""])


@given(st.lists(st.one_of(DIGITS, BETWEEN), max_size=12).map(b"".join))
def test_they_are_found_where_a_regular_expression_finds_them(text: bytes) -> None:
    found = long_runs(text)
    assert found.whole == (WHOLE.search(text) is not None)
    assert found.endless == (ENDLESS.search(text) is not None)
