"""Rules of the web layer that a reviewer would have to remember (T-LINT).

What a browser shows is escaped by the templates, what sorts a list is written in the source, what a request holds never
becomes code, a command or an object, and only one file speaks to the outside.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.repository.sources import PRODUCT, none, product, tree

# Where a call is right, with the reason beside it.
MARKUP = {
    "base/templatetags/kq.py": "icons and shapes of the product's own sprite; arguments are escaped by format_html",
    "edges/templatetags/worklist.py": "rows of a worklist, escaped by format_html; components cost seven times as much",
    "domain/records/views.py": "one number in a span, escaped by format_html",
}
WITHOUT_MARK_OF_FORM = {"edges/web/views.py": "reports of a browser come without one and change nothing"}
RUNS_PROGRAMS = {
    "base/server": "database, web server and worker of a site",
    "base/uploads.py": "the process that reads a file of somebody's",
    "edges/commands": "steps of a command",
    "policy/register.py": "asks git for the day of a paper",
}
SQL_BY_HAND = {
    "domain/scheduling/actions/booking.py": "a place is taken in one statement; its values are parameters",
    "domain/scheduling/actions/offering.py": "a place is held in one statement; its values are parameters",
    "domain/scheduling/queries/places.py": "a session is locked for sharing, which the library cannot say",
}
# Clients and servers of the net, in the library and around it.
NET = {
    "aiohttp", "ftplib", "http.client", "httpx", "imaplib", "paramiko", "poplib", "requests", "smtplib", "socket",
    "telnetlib", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
SPEAKS_OUTSIDE = {
    "base/outbound.py": "the one way out",
    "base/server/site.py": "asks whether a port of this machine is free",
    "edges/single_sign_on/provider.py": "names the faults of base/outbound.py",
    "edges/commands/outbound.py": "names the faults of base/outbound.py",
    "edges/commands/up.py": "asks the site it started whether it is well, on the loopback",
}
OBJECTS = {"pickle", "cPickle", "dill", "shelve", "marshal", "jsonpickle"}
XML = {"xml.etree", "xml.dom", "xml.sax", "lxml"}
UNSAFE_CALLS = {"eval", "exec", "mark_safe", "SafeString", "SafeText", "format_html", "format_html_join"}


def imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Every module that is imported, with its line; `from a import b` counts as `a` and `a.b`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def of(module: str, banned: set[str]) -> bool:
    """Whether a module is one of these or lies in one."""
    return any(module == one or module.startswith(one + ".") for one in banned)


def markup(module: ast.Module, path: str) -> Iterator[str]:
    """Text that goes to the browser unescaped, or code made of text."""
    for node in ast.walk(module):
        called = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
        if called in UNSAFE_CALLS and path not in MARKUP:
            yield f"{path}:{node.lineno}: {called}() is for the listed places only"
        if called in {"mark_safe", "SafeString", "SafeText", "eval", "exec"} and path in MARKUP:
            yield f"{path}:{node.lineno}: {called}() escapes nothing; format_html does"
        if isinstance(node, ast.Attribute) and node.attr in {"is_safe", "autoescape"}:
            yield f"{path}:{node.lineno}: .{node.attr} switches the escaping off"


def forms(module: ast.Module, path: str) -> Iterator[str]:
    """Views that take a form without its mark."""
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and node.id == "csrf_exempt" and path not in WITHOUT_MARK_OF_FORM:
            yield f"{path}:{node.lineno}: csrf_exempt; a form carries its mark"


def commands(module: ast.Module, path: str) -> Iterator[str]:
    """A shell, or a program started where none is needed."""
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            yield f"{path}:{node.value.lineno}: shell=…; give the program and its arguments as a list"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.system", "os.popen"}:
            yield f"{path}:{node.lineno}: {ast.unparse(node)} is a shell"
    for line, module_name in imports(module):
        if of(module_name, {"subprocess", "pty"}) and not any(path.startswith(place) for place in RUNS_PROGRAMS):
            yield f"{path}:{line}: {module_name}; programs are started by base/server and commands"


def objects(module: ast.Module, path: str) -> Iterator[str]:
    """Bytes that become objects, and XML read by a parser that follows entities."""
    for line, module_name in imports(module):
        if of(module_name, OBJECTS):
            yield f"{path}:{line}: {module_name}; bytes from outside become data (JSON), never objects"
        if of(module_name, XML):
            yield f"{path}:{line}: {module_name}; XML is read by base/upload_reader.py, after it was looked at"
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
            safe = any("SafeLoader" in ast.unparse(one) for one in [*node.args, *(key.value for key in node.keywords)])
            if not safe and not _is_safe_loader(module, node):
                yield f"{path}:{node.lineno}: {ast.unparse(node.func)}; yaml.safe_load reads data"


def _is_safe_loader(module: ast.Module, call: ast.Call) -> bool:
    """Whether the loader is a class of this file that stands on a safe one."""
    given = {ast.unparse(one) for one in [*call.args[1:], *(key.value for key in call.keywords)]}
    return any(
        isinstance(node, ast.ClassDef)
        and node.name in given
        and any("SafeLoader" in ast.unparse(b) for b in node.bases)
        for node in ast.walk(module)
    )


def sorting(module: ast.Module, path: str) -> Iterator[str]:
    """A sort or a filter whose column comes from a request."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        said = f"{path}:{node.lineno}: .{node.func.attr}"
        given = [*node.args, *(key.value for key in node.keywords if key.arg is None)]
        if node.func.attr in {"order_by", "filter", "exclude", "annotate", "alias", "values", "extra", "raw"} and any(
            part in ast.unparse(one) for one in given for part in ("request.", ".GET", ".POST", "cleaned_data")
        ):
            yield f"{said}() takes a name from a request; choose among constants"
        by_hand = node.func.attr in {"extra", "raw"} and "objects" in ast.unparse(node.func)
        if by_hand and path not in SQL_BY_HAND:
            yield f"{said}() writes SQL by hand"


def outside(module: ast.Module, path: str) -> Iterator[str]:
    """Something that speaks to the net."""
    for line, module_name in imports(module):
        if of(module_name, NET) and path not in SPEAKS_OUTSIDE:
            yield f"{path}:{line}: {module_name}; the listed files alone speak to the net"


def numbers(module: ast.Module, path: str) -> Iterator[str]:
    """A whole number of a form without an upper end: the database has one, and answers with an error."""
    for node in ast.walk(module):
        is_field = isinstance(node, ast.Call) and ast.unparse(node.func) == "forms.IntegerField"
        if is_field and not any(key.arg == "max_value" for key in node.keywords):  # type: ignore[attr-defined]
            yield f"{path}:{node.lineno}: IntegerField without max_value"  # type: ignore[attr-defined]


RULES: tuple[Callable[[ast.Module, str], Iterator[str]], ...] = (
    markup, forms, commands, objects, sorting, outside, numbers,
)  # fmt: skip


@pytest.mark.trust("T-LINT")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_product_keeps_the_rule(
    rule: Callable[[ast.Module, str], Iterator[str]], measured: Callable[[str], None]
) -> None:
    paths = list(product())
    found = [fault for path in paths for fault in rule(tree(path), str(path.relative_to(PRODUCT)))]

    measured(f"{len(RULES)} rules of our own × {len(paths)} files, {len(found)} findings")
    none(found)


def test_every_listed_place_is_still_there() -> None:
    for place in (*MARKUP, *WITHOUT_MARK_OF_FORM, *RUNS_PROGRAMS, *SQL_BY_HAND, *SPEAKS_OUTSIDE):
        assert (PRODUCT / place).exists(), f"{place} is gone; take it off the list"


PLANTED = (
    (markup, "x = mark_safe(note)"),
    (markup, "x = format_html(note)"),
    (markup, "register.filter(f).is_safe = True"),
    (forms, "@csrf_exempt\ndef view(request): ..."),
    (commands, "run(['a'], shell=True)"),
    (commands, "os.system(name)"),
    (commands, "import subprocess"),
    (objects, "import pickle"),
    (objects, "from xml.etree import ElementTree"),
    (objects, "yaml.load(text, Loader=yaml.Loader)"),
    (sorting, "rows.order_by(request.GET['sort'])"),
    (sorting, "rows.filter(**form.cleaned_data)"),
    (sorting, "Row.objects.raw(sql)"),
    (numbers, "slot = forms.IntegerField(min_value=1)"),
    (outside, "import requests"),
    (outside, "from urllib import request"),
    (outside, "import http.client"),
)


@pytest.mark.parametrize(("rule", "planted"), PLANTED, ids=lambda value: value if isinstance(value, str) else "")
def test_planted_fault_is_found(rule: Callable[[ast.Module, str], Iterator[str]], planted: str) -> None:
    assert list(rule(ast.parse(planted), "domain/x/views.py"))


def test_right_code_is_let_through() -> None:
    right = "rows.order_by('-day')\nyaml.safe_load(x)\nrows.filter(pk=form.cleaned_data['pk'])\nurlencode(x)"

    assert [fault for rule in RULES for fault in rule(ast.parse(right), "domain/x/views.py")] == []
