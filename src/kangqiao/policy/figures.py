"""Finding policy numbers that stand in Python instead of a pack. Few false alarms, and each says why it was raised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

from kangqiao.policy.packs import PackSet, default
from kangqiao.policy.values import Value

# Written at the end of a line, with the reason: the number there is none of policy.
ALLOWED = "# no policy:"
_NEUTRAL = {Fraction(-1), Fraction(0), Fraction(1), Fraction(100)}
_EVERYDAY_DENOMINATORS = {2, 4, 5, 10, 20}  # 0.5, 0.75, 0.95: shares that stand for anything
_FILLER = {"min", "max", "per", "of", "by", "in", "the", "to", "at", "reported", "target", "first"}
_POLICY_WORD = re.compile(
    r"(^|_)(reserved_share|subsidy|per_capita|quota_share|payout|city_rate|district_rate|pay_percent|coverage_target)(_|$)"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_PERCENT_TEXT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*%(?![A-Za-z(%])")
_YUAN_TEXT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*元")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the papers that hardly means anything else: its value, where it comes from."""

    number: Fraction
    topic: str
    key: str
    clause: str
    pack: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A number in Python that belongs into a pack, and why it is thought so."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@cache
def distinctive_figures(packs: PackSet) -> tuple[Figure, ...]:
    """The catalogue's distinctive numbers: decimals no one writes by chance, and large integers that are not round.

    A rate in percent also counts as the share it is (12 percent as 0.12). Small and round numbers are left out; for
    those the name they are given decides.
    """
    found: dict[Fraction, Figure] = {}
    for value in _paper_values(packs):
        for number in _numbers(value.value):
            candidates = [number]
            if "percent" in value.unit:
                candidates.append(number / 100)
            for candidate in candidates:
                if _is_distinctive(candidate):
                    found.setdefault(candidate, Figure(candidate, value.topic, value.key, value.clause, value.pack))
    return tuple(sorted(found.values(), key=lambda figure: figure.number))


def find_policy_numbers(source: str, path: str, packs: PackSet | None = None) -> list[Finding]:
    """Policy numbers in one Python source, in order of lines.

    Three signs: a distinctive figure of the papers; any number given to a name that means a key of a pack (assigned,
    passed, compared, put into a dict); a percentage or a sum in yuan of the papers inside Chinese text. A line that
    ends with `# no policy:` and a reason is left alone.
    """
    packs = packs or default()
    lines = source.splitlines()
    searcher = _Searcher(path, distinctive_figures(packs), _key_names(packs), _text_figures(packs))
    searcher.visit(ast.parse(source))
    return sorted({found for found in searcher.found if ALLOWED not in lines[found.line - 1]})


class _Searcher(ast.NodeVisitor):
    def __init__(
        self,
        path: str,
        figures: tuple[Figure, ...],
        keys: tuple[tuple[frozenset[str], Value], ...],
        texts: tuple[frozenset[str], frozenset[str]],
    ) -> None:
        self.path = path
        self.figures = {figure.number: figure for figure in figures}
        self.keys = keys
        self.percents, self.yuan = texts
        self.found: list[Finding] = []

    def visit_Call(self, node: ast.Call) -> None:
        """A figure written as Decimal("0.12") or Fraction(12, 100)."""
        number = _number(node)
        if number is not None and number in self.figures:
            self._figure(node, number)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        number = _number(node)
        if number is not None and number in self.figures:
            self._figure(node, number)
        if isinstance(node.value, str) and _HAN.search(node.value):
            for pattern, known in ((_PERCENT_TEXT, self.percents), (_YUAN_TEXT, self.yuan)):
                for match in pattern.finditer(node.value):
                    if match[1] in known:
                        self._say(node, f"the text says '{match[0]}', a figure of the papers: put the value in")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._named(_name(target), node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._named(_name(node.target), node.value)
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        self._named(node.arg or "", node.value)
        self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> None:
        positional = [*node.posonlyargs, *node.args]
        for argument, default_value in zip(
            positional[len(positional) - len(node.defaults) :], node.defaults, strict=True
        ):
            self._named(argument.arg, default_value)
        for argument, given in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            self._named(argument.arg, given)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._named(key.value, value)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for left, right in pairwise(sides):
            self._named(_name(left), right)
            self._named(_name(right), left)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """A share written as `amount * 12 // 100`."""
        left, divisor = node.left, _number(node.right)
        if isinstance(node.op, (ast.Div, ast.FloorDiv)) and divisor and isinstance(left, ast.BinOp):
            for side in (left.left, left.right):
                factor = _number(side)
                if isinstance(left.op, ast.Mult) and factor is not None and factor / divisor in self.figures:
                    self._figure(node, factor / divisor)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring may quote the paper
            self.generic_visit(node)

    def _named(self, name: str, value: ast.expr | None) -> None:
        number = _number(value)
        if not name or value is None or number is None or number in _NEUTRAL:
            return
        words = _words(name)
        if _POLICY_WORD.search(name.lower()):
            self._say(value, f"'{name}' is given the number {ast.unparse(value)}: policy numbers come from a pack")
            return
        for key_words, held in self.keys:
            if key_words <= words:
                self._say(value, f"'{name}' is given {ast.unparse(value)}: {held.topic}.{held.key} comes from a pack")
                return

    def _figure(self, node: ast.expr, number: Fraction) -> None:
        figure = self.figures[number]
        source = figure.clause or figure.pack
        self._say(node, f"{ast.unparse(node)} is {figure.topic}.{figure.key} of {source}: read it from the pack")

    def _say(self, node: ast.expr, message: str) -> None:
        self.found.append(Finding(self.path, node.lineno, message))


def _paper_values(packs: PackSet) -> Iterator[Value]:
    for pack in packs.packs.values():
        for dated in pack.entries.values():
            yield from (value for value in dated if not value.setting)


def _numbers(value: Any) -> Iterator[Fraction]:
    if isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        yield Fraction(value)


def _is_distinctive(number: Fraction) -> bool:
    if number.denominator == 1:
        digits = str(abs(number.numerator)).rstrip("0")
        return abs(number) >= 1000 and (len(digits) >= 2 or abs(number) >= 100_000)
    return abs(number) > 10 or number.denominator not in _EVERYDAY_DENOMINATORS


@cache
def _key_names(packs: PackSet) -> tuple[tuple[frozenset[str], Value], ...]:
    """The words of every key that holds a number, and of the catalogue's name for it, where they say enough."""
    names: dict[frozenset[str], Value] = {}
    for pack in packs.packs.values():
        for (_, key), dated in pack.entries.items():
            for words in (_words(key), _words(dated[0].parameter)):
                if len(words) >= 2 and any(True for _ in _numbers(dated[0].value)):
                    names.setdefault(words, dated[0])
    return tuple(names.items())


@cache
def _text_figures(packs: PackSet) -> tuple[frozenset[str], frozenset[str]]:
    percents, yuan = set(), set()
    for value in _paper_values(packs):
        texts = {str(value.value)} if any(True for _ in _numbers(value.value)) else set()
        if "percent" in value.unit:
            percents |= texts - {"100", "0"}
        elif value.unit.startswith("CNY"):
            yuan |= texts - {"0"}
    return frozenset(percents), frozenset(yuan)


def _words(name: str) -> frozenset[str]:
    words = {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}
    return frozenset(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words - _FILLER)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _number(node: ast.expr | None) -> Fraction | None:
    """The number a literal stands for, also written as Decimal("0.12") or Fraction(12, 100)."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return Fraction(str(node.value))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Decimal", "Fraction", "int")
    ):
        try:
            parts = [Fraction(str(ast.literal_eval(argument))) for argument in node.args]
            return parts[0] / parts[1] if len(parts) == 2 else parts[0]
        except (ValueError, IndexError, ZeroDivisionError):
            return None
    return None
