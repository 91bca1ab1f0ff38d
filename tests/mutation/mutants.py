"""The flips of a module's policy: each a copy of its source in which one decision is another.

What is flipped is taken from the syntax tree: the answer of a function of decisions, one side of an `and`, `or`, `&`
or `|`, a comparison, one term of a filter, one role of a list, and what `@access` declares.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Place = tuple[ast.AST, str, int | None]
OPPOSITE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
# By what a function says it answers: the answers it is made to give.
ANSWERS = {
    "Decision": ("YES", "no('')"), "Q": ("Q()", "Q(pk__in=())"), "bool": ("True", "False"),
}  # fmt: skip
FILTERS = ("filter", "exclude", "Q")
GROUPS = (ast.Tuple, ast.Set, ast.List)
TESTS = (ast.If, ast.IfExp, ast.comprehension)


@dataclass(frozen=True)
class Mutant:
    """One flip: where it is, in words that outlive a change of line numbers, and the whole source with it."""

    file: str
    line: int
    where: str
    what: str
    source: str

    @property
    def key(self) -> str:
        """What the list of equal ones names it by."""
        return f"{self.file}::{self.where}: {self.what}"


def mutants_of(file: Path, root: Path) -> list[Mutant]:
    """Every flip of a file: of the declarations of views, of every function and list of permissions."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    name = str(file.relative_to(root))
    found = []
    for where, place in list(_places(tree, is_policy=file.name == "permissions.py")):
        old = _get(place)
        for new in _flips(old, place, where[1]):
            _put(place, new)
            after = ast.unparse(ast.fix_missing_locations(tree))
            _put(place, old)
            what = f"`{_shown(old)}` → `{_shown(new)}`"
            found.append(Mutant(name, getattr(old, "lineno", 0), where[0], what, after))
    return list({one.source: one for one in found}.values())


def _shown(node: ast.AST | None) -> str:
    return " ".join(ast.unparse(node).split()) if node is not None else "nothing"


def _places(tree: ast.Module, *, is_policy: bool) -> Iterator[tuple[tuple[str, str], Place]]:
    """Every place of the tree that may be flipped, with the function it is in and what that says it answers."""
    declared = {name for node in ast.walk(tree) if _is_access(node) for name in _names(node)}
    for top in tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            for function in (one for one in ast.walk(top) if isinstance(one, ast.FunctionDef)):
                wraps = function.decorator_list
                parts: list[Place] = [(function, "decorator_list", i) for i, one in enumerate(wraps) if _is_access(one)]
                if is_policy:
                    parts = [(function, "body", i) for i, _ in enumerate(function.body)]
                answers = ast.unparse(function.returns) if function.returns else ""
                yield from (((function.name, answers), place) for part in parts for place in _under(part))
        elif isinstance(top, ast.Assign | ast.AnnAssign) and isinstance(top.value, ast.BinOp):
            continue  # a union of types
        elif isinstance(top, ast.Assign | ast.AnnAssign) and (is_policy or _targets(top) & declared):
            yield from ((("", ""), place) for place in _under((top, "value", None)))


def _under(place: Place) -> Iterator[Place]:
    """A place and all places inside it; what is told to people is left out."""
    node = _get(place)
    if node is None or (isinstance(node, ast.Call) and _called(node) == "_"):
        return
    yield place
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "ctx", "op", "ops"):
            continue
        if isinstance(value, list):
            for i, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield from _under((node, name, i))
        elif isinstance(value, ast.AST):
            yield from _under((node, name, None))


def _flips(node: ast.AST, place: Place, answers: str) -> Iterator[ast.AST]:
    """What may stand in the place instead."""
    if isinstance(node, ast.Return) and node.value is not None:
        said = _shown(node.value)
        same = {"YES": "YES", "no": "no('')"}.get(said.partition("(")[0], said)
        yield from (ast.Return(_expression(one)) for one in ANSWERS.get(answers, ()) if one != same)
    elif isinstance(node, ast.BoolOp) and isinstance(node.values[-1], ast.Constant) and not node.values[-1].value:
        return  # `number or 0` decides nothing: no row has either
    elif isinstance(node, ast.BoolOp):
        yield from (_without(node, i) for i, _ in enumerate(node.values))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield from (node.left, node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [OPPOSITE[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif _is_access(node):
        yield from _declarations(node)  # type: ignore[arg-type]
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, GROUPS) and len(node.elts) > 1:
        yield from (type(node)([*node.elts[:i], *node.elts[i + 1 :]]) for i, _ in enumerate(node.elts))
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        yield from (_dict_without(node, i) for i, _ in enumerate(node.keys))
    parent, name, _i = place
    is_plain = not isinstance(node, ast.BoolOp | ast.Compare | ast.UnaryOp)
    if is_plain and isinstance(parent, TESTS) and name in ("test", "ifs"):
        yield ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """A filter with one term less."""
    if _called(node) not in FILTERS:
        return
    for i, _one in enumerate(node.args):
        yield ast.Call(node.func, [*node.args[:i], *node.args[i + 1 :]], node.keywords)
    for i, _two in enumerate(node.keywords):
        yield ast.Call(node.func, node.args, [*node.keywords[:i], *node.keywords[i + 1 :]])


def _declarations(node: ast.Call) -> Iterator[ast.AST]:
    """`@access` with a wider or narrower policy, without its proof, with one role less."""
    policy = _shown(node.args[0]).strip("'").lower()
    others = {"public": ("signed_in",), "signed_in": ("public",), "role": ("signed_in", "public")}[policy]
    proof = [one for one in node.keywords if one.arg == "step_up"]
    roles = [one for one in node.keywords if one.arg == "roles"]
    for other in others:
        yield ast.Call(node.func, [ast.Constant(other)], proof if other == "signed_in" else [])
    if proof:
        yield ast.Call(node.func, node.args, roles)
    for one in roles:
        if not isinstance(one.value, ast.Tuple):
            less = _expression(f"tuple({ast.unparse(one.value)})[1:]")
            yield ast.Call(node.func, node.args, [ast.keyword("roles", less), *proof])


def _without(node: ast.BoolOp, i: int) -> ast.expr:
    rest = [*node.values[:i], *node.values[i + 1 :]]
    return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _dict_without(node: ast.Dict, i: int) -> ast.Dict:
    return ast.Dict([*node.keys[:i], *node.keys[i + 1 :]], [*node.values[:i], *node.values[i + 1 :]])


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_access(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _called(node) == "access" and bool(node.args)


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _get(place: Place) -> ast.AST:
    parent, name, i = place
    value = getattr(parent, name)
    found: ast.AST = value if i is None else value[i]
    return found


def _put(place: Place, node: ast.AST) -> None:
    parent, name, i = place
    if i is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[i] = node


def with_marks(source: str, mark: Callable[[int], ast.stmt]) -> str:
    """The source with a mark before every statement of its functions: which test came by which line."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for name in ("body", "orelse"):
            body = getattr(node, name, None)
            is_inside = isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While | ast.With)
            if is_inside and isinstance(body, list):
                setattr(node, name, [part for one in body for part in (mark(one.lineno), one)])
    return ast.unparse(ast.fix_missing_locations(tree))
