"""Long runs of digits: found as regular expressions find them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from app.api.digits import long_runs
from app.api.strict_json import MAX_NUMBER_LENGTH, may_hide_something

WHOLE = re.compile(rb"(?:^|[\[:,\- \t\n\r])[0-9]{16}")
ENDLESS = re.compile(rb"(?=[0-9]{21})")
DIGITS = st.integers(1, 25).map(lambda n: b"7305918264705918364709152"[:n])
BETWEEN = st.sampled_from([b" ", b".", b"-", b":", b",", b"[", b"\n", b"e", b'"', b"x", b"/", b"\xc3\xa9", b""])


@given(st.lists(st.one_of(DIGITS, BETWEEN), max_size=12).map(b"".join))
def test_they_are_found_where_a_regular_expression_finds_them(text: bytes) -> None:
    found = long_runs(text)
    assert found.whole == (WHOLE.search(text) is not None)
    assert found.endless == [place.start() for place in ENDLESS.finditer(text)]


@given(st.lists(st.one_of(DIGITS, st.sampled_from([b"-", b".", b"e", b"+", b",", b"x"])), max_size=200).map(b"".join))
def test_a_number_that_is_too_long_is_found_wherever_it_stands(text: bytes) -> None:
    numbers = re.findall(rb"[-+.0-9eE]+", text)
    if may_hide_something(text):
        assert long_runs(text).whole or any(len(number) > MAX_NUMBER_LENGTH for number in numbers)
    else:
        assert all(len(number) <= MAX_NUMBER_LENGTH or not ENDLESS.search(number) for number in numbers)
