"""What a constraint can be where its parameters lie anywhere between two ends: interval arithmetic on columns.

An interval is a pair of arrays (n,), low and high. It never leaves out a value that can occur; it may hold more, so
what is said of it errs on the side of *possible*: truths are pairs (n,), where something can be true and where it can
be false. That an expression may fail to be a number (a division by zero) only ever makes less possible.

Source: R. E. Moore, Interval Analysis (1966).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from app.space.columns import BoolArray, Columns, FloatArray, n_rows, present
from app.space.expressions import (
    ROUNDING,
    All,
    Any,
    Arithmetic,
    Comparison,
    Constraint,
    Function,
    Literal,
    Not,
    NumberName,
    NumberNode,
    SameChoice,
    SameTruth,
    TruthLiteral,
    TruthName,
    TruthNode,
    power,
)

SLACK = 4 * ROUNDING
"""By how much ends are widened after an operation: more than it and a comparison's allowance can be off by."""


class Interval(NamedTuple):
    low: FloatArray
    high: FloatArray


class Possible(NamedTuple):
    yes: BoolArray
    no: BoolArray


def may_hold(constraint: Constraint, low: Columns, high: Columns) -> BoolArray:
    """(n,) false only where the constraint holds nowhere between low and high.

    Choices are the same in both; a parameter is absent in both or in neither.
    """
    with np.errstate(all="ignore"):
        result = _truth(constraint.root, low, high).yes
    for keys in constraint.variants.values():
        result = result | ~np.logical_or.reduce([present(low[key]) for key in keys])
    return result


def _truth(node: TruthNode, low: Columns, high: Columns) -> Possible:
    match node:
        case Comparison():
            return _comparison(node, low, high)
        case All():
            parts = [_truth(inner, low, high) for inner in node.nodes]
            return Possible(np.logical_and.reduce([p.yes for p in parts]), np.logical_or.reduce([p.no for p in parts]))
        case Any():
            parts = [_truth(inner, low, high) for inner in node.nodes]
            return Possible(np.logical_or.reduce([p.yes for p in parts]), np.logical_and.reduce([p.no for p in parts]))
        case Not():
            inner = _truth(node.node, low, high)
            return Possible(inner.no, inner.yes)
        case SameTruth():
            a, b = _truth(node.left, low, high), _truth(node.right, low, high)
            same, unlike = (a.yes & b.yes) | (a.no & b.no), (a.yes & b.no) | (a.no & b.yes)
            return Possible(unlike, same) if node.different else Possible(same, unlike)
        case TruthLiteral() | TruthName() | SameChoice():
            return Possible(*node.truth(low))


def _comparison(node: Comparison, low: Columns, high: Columns) -> Possible:
    left = _numbers(node.first, low, high)
    yes, no = np.ones(n_rows(low), np.bool_), np.zeros(n_rows(low), np.bool_)
    for operator, following in node.rest:
        right = _numbers(following, low, high)
        can, cannot = _compared(operator, left, right)
        yes, no = yes & can, no | cannot
        left = right
    return Possible(yes, no)


def _compared(operator: str, left: Interval, right: Interval) -> Possible:
    a, b = _widened(*left), _widened(*right)
    below, above = a.low <= b.high, a.high >= b.low
    match operator:
        case "<" | "<=":
            return Possible(below, above)
        case ">" | ">=":
            return Possible(above, below)
        case "==":
            return Possible(below & above, np.ones_like(below))
        case _:  # "!="
            return Possible(np.ones_like(below), below & above)


def _numbers(node: NumberNode, low: Columns, high: Columns) -> Interval:
    match node:
        case Literal():
            return Interval(node.numbers(low), node.numbers(high))
        case NumberName():
            return Interval(node.numbers(low), node.numbers(high))
        case Arithmetic():
            found = _numbers(node.first, low, high)
            for function, inner in node.rest:
                found = _widened(*_applied(function, found, _numbers(inner, low, high)))
            return found
        case Function():
            return _widened(*_function(node.function, _numbers(node.argument, low, high)))


def _widened(low: FloatArray, high: FloatArray) -> Interval:
    """An interval a little wider than its ends; without an end where that is no number."""
    low, high = low - SLACK * np.abs(low), high + SLACK * np.abs(high)
    return Interval(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))


def _applied(function: Callable[..., FloatArray], a: Interval, b: Interval) -> Interval:
    if function in (np.add, np.minimum, np.maximum):
        return Interval(function(a.low, b.low), function(a.high, b.high))
    if function is np.subtract:
        return Interval(a.low - b.high, a.high - b.low)
    if function is np.multiply:
        ends = [np.where((x == 0) | (y == 0), 0.0, x * y) for x in a for y in b]
        return Interval(np.minimum.reduce(ends), np.maximum.reduce(ends))
    if function is np.divide:
        ends = [x / y for x in a for y in b]
        return _where((b.low > 0) | (b.high < 0), np.minimum.reduce(ends), np.maximum.reduce(ends))
    if function is power:
        return _where((a.low >= 0) & (b.low >= 0) & (b.low == b.high), power(a.low, b.low), power(a.high, b.low))
    return _where(np.zeros_like(a.low, dtype=np.bool_), a.low, a.high)  # of // and % nothing is claimed


def _where(known: BoolArray, low: FloatArray, high: FloatArray) -> Interval:
    return Interval(np.where(known, low, np.nan), np.where(known, high, np.nan))


def _function(function: Callable[..., FloatArray], a: Interval) -> Interval:
    if function is np.negative:
        return Interval(-a.high, -a.low)
    if function is np.abs:
        least = np.where((a.low <= 0) & (a.high >= 0), 0.0, np.minimum(np.abs(a.low), np.abs(a.high)))
        return Interval(least, np.maximum(np.abs(a.low), np.abs(a.high)))
    return Interval(function(a.low), function(a.high))  # +, log, exp and sqrt ascend
