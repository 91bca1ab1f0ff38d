"""An action names its arguments and ends with who does it and when."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.repository.sources import DOMAIN, PRODUCT, functions, is_marked, name, none, product, text, tree

# Written beside the `def`, with the reason: nobody acts yet, such as somebody who is signing in.
NO_ACTOR = "no actor"


def faults(source: str, path: str, *, reads_too: bool = False) -> Iterator[str]:
    """Public functions whose signature is not that of an action.

    With `reads_too` the file holds reads as well; then only those that call an action, handing on who acts, count.
    """
    lines = source.splitlines()
    for function in functions(ast.parse(source)):
        if function.name.startswith("_") or (reads_too and not _acts(function)):
            continue
        arguments = function.args
        last = [argument.arg for argument in arguments.kwonlyargs]
        if arguments.args or arguments.posonlyargs or arguments.vararg:
            yield f"{path}:{function.lineno}: {function.name} takes arguments without their names"
        if is_marked(lines, function, NO_ACTOR):
            last = [*last[:-1], "by", *last[-1:]]
        if last[-2:] != ["by", "at"]:
            yield f"{path}:{function.lineno}: {function.name} does not end with by, at"


def _acts(function: ast.FunctionDef) -> bool:
    """Whether the function hands an actor on."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(word.arg == "by" for call in calls for word in call.keywords)


def test_actions_end_with_by_and_at() -> None:
    found = [
        fault
        for path in product()
        if path.is_relative_to(DOMAIN) and "actions" in (path.stem, path.parent.name)
        for fault in faults(text(path), name(path))
    ]

    none(found)


def test_pathways_end_with_by_and_at() -> None:
    paths = [path for path in (PRODUCT / "pathways").glob("*.py") if path.name != "__init__.py"]

    none(fault for path in paths for fault in faults(text(path), name(path), reads_too=True))
    assert any(_acts(function) for path in paths for function in functions(tree(path)))


def test_faults_finds_planted_ones() -> None:
    planted = (
        "def send(referral, *, by, at): ...\n"
        "def close(*, referral_id, at): ...\n"
        "def sign_in(*, username, at): ...  # no actor: nobody is there yet\n"
        "def sign_out(*, username, at): ...  # no actor:\n"
        "def accept(*, referral_id, at, by): ...\n"
        "def right(*, referral_id, by, at): ...\n"
        "def _inner(anything): ...\n"
    )

    assert [fault.split(": ")[1] for fault in faults(planted, "x.py")] == [
        "send takes arguments without their names",
        "close does not end with by, at",
        "sign_out does not end with by, at",
        "accept does not end with by, at",
    ]
