"""The grammar of constraints: text -> tree, by recursive descent, with limits that keep hostile text cheap.

    or_          := and_ ("or" and_)*
    and_         := not_ ("and" not_)*
    not_         := "not" not_ | comparison
    comparison   := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*
    sum          := product (("+" | "-") product)*
    product      := unary (("*" | "/" | "//" | "%") unary)*
    unary        := ("-" | "+") unary | power
    power        := atom ("**" unary)?
    atom         := number | string | true | false | null | name | function "(" or_ ("," or_)* ")" | "(" or_ ")"

A name is a word with dots (`optimizer.name`); any other name stands in backticks (`` `learning-rate` ``).
Precedence and the meaning of //, % and ** are Python's. Arithmetic of constants is done while parsing, in floating
point, so 9**9**9**9 is an overflow at once and a division by a constant zero is refused where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from app.space.columns import Columns, FloatArray, JsonValue, NumericColumn, level_key
from app.space.expressions import (
    All,
    Any,
    Arithmetic,
    ChoiceLiteral,
    ChoiceName,
    ChoiceNode,
    Comparison,
    Function,
    Literal,
    Node,
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
from app.space.faults import show, suggestion

MAX_CHARACTERS = 4_096
MAX_DEPTH = 32

_TOKEN: Final = re.compile(
    r"(?P<space>\s+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<word>[^\W\d]\w*(?:\.\w+)*)"
    r"|`(?P<quoted>[^`]+)`|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|[-+*/%<>(),])"
)
_HINTS: Final = {"=": "; write == to compare", "^": "; write ** for a power", "&": "; write and", "|": "; write or"}
_CONSTANTS: Final[Mapping[str, bool | None]] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
_RESERVED: Final = frozenset({"and", "or", "not", *_CONSTANTS})
_SUMS: Final[Mapping[str, Callable[..., FloatArray]]] = {"+": np.add, "-": np.subtract}
_PRODUCTS: Final[Mapping[str, Callable[..., FloatArray]]] = {
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.mod,
}
_COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!="})
_UNARY_FUNCTIONS: Final[Mapping[str, Callable[..., FloatArray]]] = {
    "abs": np.abs,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
}
_MANY_FUNCTIONS: Final[Mapping[str, Callable[..., FloatArray]]] = {"min": np.minimum, "max": np.maximum}
_ONE_ROW: Final[Columns] = {"": NumericColumn(np.zeros(1))}


class CannotParse(ValueError):
    """A text is not a constraint; the message names the character (from 1) where it stops being one."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message}, at character {position + 1}")


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True, eq=False)
class Name:
    """What a constraint may say about a parameter: its node, and what its choices are (None if it is a number)."""

    name: str
    keys: tuple[str, ...]
    node: NumberName | ChoiceName | TruthName
    levels: Mapping[str, JsonValue] | None


@dataclass(frozen=True)
class Text:
    """A string or null: something that only a choice can be compared with."""

    value: str | None


@dataclass(frozen=True, eq=False)
class Operand:
    node: Node | Text
    position: int
    name: Name | None = None  # if it is nothing but a parameter's name


Lookup: TypeAlias = Callable[[str], Name | str]
"""Resolves a name; a string says what is wrong with it."""


def parse_constraint(
    text: str, lookup: Lookup, level_of: Callable[[str], int]
) -> tuple[TruthNode, dict[str, tuple[str, ...]]]:
    """The tree of a constraint, and the column keys of each parameter that it names.

    `level_of` gives every level key its number, shared by all constraints of a space. Raises: CannotParse.
    """
    if len(text) > MAX_CHARACTERS:
        raise CannotParse(f"a constraint has at most {MAX_CHARACTERS} characters, this one {len(text)}", MAX_CHARACTERS)
    parser = _Parser(_tokens(text), lookup, level_of)
    whole = parser.or_()
    if (rest := parser.peek()).kind != "end":
        raise CannotParse(f"expected an operator, found {show(rest.text)}", rest.position)
    root = parser.truth(whole)
    if not parser.named:
        raise CannotParse("the constraint names no parameter", 0)
    return root, parser.named


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            character = text[position]
            what = "a quote that is not closed" if character in "\"'`" else f"unexpected {show(character)}"
            raise CannotParse(what + _HINTS.get(character, ""), position)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match[kind], position))
        position = match.end()
    return [*tokens, Token("end", "the end", len(text))]


class _Parser:
    """One pass over the tokens; each method reads one rule of the grammar and checks the types of what it combines."""

    def __init__(self, tokens: list[Token], lookup: Lookup, level_of: Callable[[str], int]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._lookup = lookup
        self._level_of = level_of
        self.named: dict[str, tuple[str, ...]] = {}

    # ------------------------------------------------------------ tokens

    def peek(self) -> Token:
        return self._tokens[self._next]

    def take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _accept(self, *texts: str) -> Token | None:
        token = self.peek()
        return self.take() if token.kind in {"operator", "word"} and token.text in texts else None

    def _expect(self, text: str) -> None:
        token = self.peek()
        if self._accept(text) is None:
            raise CannotParse(f"expected {show(text)}, found {show(token.text)}", token.position)

    def _nested(self, rule: Callable[[], Operand]) -> Operand:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CannotParse(f"more than {MAX_DEPTH} levels stand in each other", self.peek().position)
        operand = rule()
        self._depth -= 1
        return operand

    # ------------------------------------------------------------ rules

    def or_(self) -> Operand:
        first = self.and_()
        nodes: list[TruthNode] = []
        while self._accept("or"):
            nodes = nodes or [self.truth(first)]
            nodes.append(self.truth(self.and_()))
        return Operand(Any(tuple(nodes)), first.position) if nodes else first

    def and_(self) -> Operand:
        first = self.not_()
        nodes: list[TruthNode] = []
        while self._accept("and"):
            nodes = nodes or [self.truth(first)]
            nodes.append(self.truth(self.not_()))
        return Operand(All(tuple(nodes)), first.position) if nodes else first

    def not_(self) -> Operand:
        if token := self._accept("not"):
            return Operand(Not(self.truth(self._nested(self.not_))), token.position)
        return self.comparison()

    def comparison(self) -> Operand:
        operands, operators = [self.sum()], list[Token]()
        while token := self._accept(*_COMPARISONS):
            operators.append(token)
            operands.append(self.sum())
        if not operators:
            return operands[0]
        if all(_is_number(operand) for operand in operands):
            rest = zip((o.text for o in operators), (self.number(o) for o in operands[1:]), strict=True)
            return Operand(Comparison(self.number(operands[0]), tuple(rest)), operands[0].position)
        pairs = [self._same(a, token, b) for a, token, b in zip(operands, operators, operands[1:], strict=False)]
        return Operand(pairs[0] if len(pairs) == 1 else All(tuple(pairs)), operands[0].position)

    def sum(self) -> Operand:
        return self._chain(self.product, _SUMS)

    def product(self) -> Operand:
        return self._chain(self.unary, _PRODUCTS)

    def _chain(self, rule: Callable[[], Operand], functions: Mapping[str, Callable[..., FloatArray]]) -> Operand:
        operand = rule()
        while token := self._accept(*functions):
            right = rule()
            if token.text in {"/", "//", "%"} and right.node == Literal(0.0):
                raise CannotParse("division by zero", token.position)
            operand = self._apply(functions[token.text], operand, right, token)
        return operand

    def unary(self) -> Operand:
        if token := self._accept("-", "+"):
            argument = self.number(self._nested(self.unary))
            return self._folded(Function(np.negative if token.text == "-" else np.positive, argument), token)
        return self.power()

    def power(self) -> Operand:
        base = self.atom()
        if token := self._accept("**"):
            return self._apply(power, base, self._nested(self.unary), token)
        return base

    def atom(self) -> Operand:
        token = self.take()
        match token.kind:
            case "number":
                return self._folded(Literal(float(token.text)), token)
            case "string":
                return Operand(Text(re.sub(r"\\(.)", r"\1", token.text[1:-1])), token.position)
            case "word" if token.text in _CONSTANTS:
                value = _CONSTANTS[token.text]
                return Operand(Text(None) if value is None else TruthLiteral(value), token.position)
            case "word" if self.peek().text == "(" and self.peek().kind == "operator":
                return self._call(token)
            case "word" | "quoted" if token.kind == "quoted" or token.text not in _RESERVED:
                return self._name(token)
            case "operator" if token.text == "(":
                operand = self._nested(self.or_)
                self._expect(")")
                return Operand(operand.node, token.position, operand.name)
        raise CannotParse(f"expected a value, found {show(token.text)}", token.position)

    def _name(self, token: Token) -> Operand:
        found = self._lookup(token.text)
        if isinstance(found, str):
            raise CannotParse(found, token.position)
        self.named[found.name] = found.keys
        return Operand(found.node, token.position, found)

    def _call(self, token: Token) -> Operand:
        functions = {**_UNARY_FUNCTIONS, **_MANY_FUNCTIONS}
        if token.text not in functions:
            near = suggestion(token.text, functions)
            raise CannotParse(f"there is no function {show(token.text)}{near}", token.position)
        self._expect("(")
        arguments = [self._nested(self.or_)]
        while self._accept(","):
            arguments.append(self._nested(self.or_))
        self._expect(")")
        if (len(arguments) == 1) != (token.text in _UNARY_FUNCTIONS):
            wanted = "takes one argument" if token.text in _UNARY_FUNCTIONS else "takes two arguments or more"
            raise CannotParse(f"{token.text} {wanted}, not {len(arguments)}", token.position)
        if len(arguments) == 1:
            return self._folded(Function(functions[token.text], self.number(arguments[0])), token)
        operand = arguments[0]
        for argument in arguments[1:]:
            operand = self._apply(functions[token.text], operand, argument, token)
        return operand

    # ------------------------------------------------------------ types

    def number(self, operand: Operand) -> NumberNode:
        """The operand as a number."""
        if isinstance(operand.node, NumberNode):
            return operand.node
        what = f"parameter {show(operand.name.name)}" if operand.name else "this"
        raise CannotParse(f"{what} is not a number", operand.position)

    def truth(self, operand: Operand) -> TruthNode:
        """The operand as a condition."""
        if isinstance(operand.node, TruthNode):
            return operand.node
        what = f"parameter {show(operand.name.name)}" if operand.name else "this"
        raise CannotParse(f"{what} is not a condition; compare it with something", operand.position)

    def _apply(self, function: Callable[..., FloatArray], left: Operand, right: Operand, token: Token) -> Operand:
        first, second = self.number(left), self.number(right)
        both_constant = isinstance(first, Literal) and isinstance(second, Literal)
        if isinstance(first, Arithmetic) and not both_constant:
            node = Arithmetic(first.first, (*first.rest, (function, second)))
        else:
            node = Arithmetic(first, ((function, second),))
        return self._folded(node, token) if both_constant else Operand(node, left.position)

    def _folded(self, node: NumberNode, token: Token) -> Operand:
        """A node of constants as one constant."""
        if isinstance(node, Function) and not isinstance(node.argument, Literal):
            return Operand(node, token.position)
        with np.errstate(all="ignore"):
            value = float(node.numbers(_ONE_ROW)[0])
        if not np.isfinite(value):
            raise CannotParse("this constant is too large or is not a number", token.position)
        return Operand(Literal(value), token.position)

    def _same(self, left: Operand, token: Token, right: Operand) -> TruthNode:
        if token.text not in {"==", "!="}:
            odd = left if not _is_number(left) else right
            self.number(odd)  # raises with the operand's own name and position
        different = token.text == "!="
        if isinstance(left.node, TruthNode) and isinstance(right.node, TruthNode):
            return SameTruth(left.node, right.node, different)
        if _is_number(left) and _is_number(right):
            return Comparison(self.number(left), ((token.text, self.number(right)),))
        return SameChoice(self._choice(left, right), self._choice(right, left), different)

    def _choice(self, operand: Operand, other: Operand) -> ChoiceNode:
        """The operand as a choice that can be compared with the other one."""
        if isinstance(operand.node, ChoiceName):
            return operand.node
        if not isinstance(operand.node, Text | Literal | TruthLiteral) or other.name is None:
            raise CannotParse("these two can never be equal: they are of different kinds", operand.position)
        levels = other.name.levels
        if levels is None:
            raise CannotParse(f"parameter {show(other.name.name)} is a number", operand.position)
        value = operand.node.value
        if (key := level_key(value)) not in levels:
            near = suggestion(str(value), [level for level in levels.values() if isinstance(level, str)])
            raise CannotParse(f"{show(value)} is not a choice of {show(other.name.name)}{near}", operand.position)
        return ChoiceLiteral(self._level_of(key))


def _is_number(operand: Operand) -> bool:
    return isinstance(operand.node, NumberNode)
