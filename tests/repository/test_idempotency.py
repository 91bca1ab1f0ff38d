"""Sent twice is done once: every POST of an action asks for a one-time key, and every form carries one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.repository.sources import PRODUCT, functions, is_marked, name, none, product, text

# Written on the `def` or above it, with the reason: marking as read twice is marking as read.
HARMLESS = "twice is once"
FORM = re.compile(r"<form\b[^>]*>.*?(?=</form>|\Z)", re.DOTALL | re.IGNORECASE)
CARRIED = 'name="idempotency_key"'
INCLUDED = re.compile(r'{%\s*include "([^"]+)"[^%]*%}')
# Where a form goes whose view asks for no key, as its address is written in templates.
FREE = {
    "{% url 'sign-in' %}", "{% url 'accounts-demo' %}", "{% url 'accounts-second' %}",
    "{% url 'accounts-first-password' %}", "{% url 'accounts-add-app' %}", "{% url 'accounts-add-key' %}",
    "{% url 'accounts-prove' %}", "{% url 'own-end-everywhere' %}", "{% url 'own-end-one' one.sign_in.pk %}",
    "{% url 'own-remove-factor' one.pk %}", "{% url 'own-recovery-codes' %}", "{{ frame.sign_out_url }}",
    "{{ frame.switch_url }}", "{% url 'sso-unbind' one.pk %}", "{% url 'own-wechat-unlink' %}",
    "{{ language_url }}", "{{ mode_url }}", "{% url 'messaging-read-all' %}", "{% url 'messaging-open' one.pk %}",
    "{% url 'messaging-open' notice.pk %}", "{{ drafts_drop_url }}",
}  # fmt: skip


def unguarded(source: str, path: str) -> Iterator[str]:
    """Views that take a POST, hand on who acts, and do not ask for a key."""
    lines, module = source.splitlines(), ast.parse(source)
    acting = {function.name for function in functions(module) if _hands_on(function)}
    for function in functions(module):
        words = [ast.unparse(decorator) for decorator in function.decorator_list]
        takes_post = any("POST" in word for word in words) or "request.method == 'POST'" in ast.unparse(function)
        called = {
            node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and hasattr(node.func, "id")
        }
        if not takes_post or function.name.startswith("_") or not (function.name in acting or called & acting):
            continue
        if "idempotent" not in words and not is_marked(lines, function, HARMLESS):
            yield f"{path}:{function.lineno}: {function.name} acts on a POST without @idempotent"
        if "idempotent" in words and not words[0].startswith(("access(", "require_")):
            yield f"{path}:{function.lineno}: {function.name} asks for the key before it asks who is there"


def _hands_on(function: ast.FunctionDef) -> bool:
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(word.arg == "by" for call in calls for word in call.keywords)


def keyless(source: str) -> Iterator[int]:
    """Lines of forms that post without a key, other than to places that ask for none."""
    for form in FORM.finditer(source):
        head = form.group()[: form.group().index(">") + 1]
        wanted = re.search(r'action="([^"]*)"', head)
        if not re.search(r'method\s*=\s*"post"', head, re.IGNORECASE) or (wanted and wanted[1] in FREE):
            continue
        if CARRIED not in INCLUDED.sub(_included, form.group()):
            yield source.count("\n", 0, form.start()) + 1


def _included(word: re.Match[str]) -> str:
    return "".join(text(path) for path in PRODUCT.rglob(f"templates/{word[1]}"))


def test_every_acting_view_asks_for_a_key() -> None:
    paths = list(product("views.py"))

    assert paths
    none(fault for path in paths for fault in unguarded(text(path), name(path)))


def test_every_form_carries_a_key() -> None:
    paths = sorted(PRODUCT.rglob("templates/**/*.html"))

    assert paths
    none(f"{name(path)}:{line}: a form without a one-time key" for path in paths for line in keyless(text(path)))


def test_unguarded_finds_planted_ones() -> None:
    planted = (
        '@access("x")\n@require_POST\ndef bare(request):\n    actions.pay(by=1)\n'
        '@access("x")\n@require_POST\ndef inner(request):\n    _do(request)\n'
        "def _do(request):\n    actions.pay(by=1)\n"
        '@access("x")\n@require_POST\ndef read(request):  # twice is once: read is read\n    actions.read(by=1)\n'
        '@access("x")\n@require_POST\n@idempotent\ndef good(request):\n    actions.pay(by=1)\n'
        '@access("x")\ndef both(request):\n    if request.method == "POST":\n        actions.pay(by=1)\n'
        '@idempotent\n@access("x")\n@require_POST\ndef early(request):\n    actions.pay(by=1)\n'
        '@access("x")\n@require_GET\ndef look(request):\n    note(by=1)\n'
    )

    found = [fault.split(": ")[1].split()[0] for fault in unguarded(planted, "views.py")]

    assert found == ["bare", "inner", "both", "early"]


def test_keyless_finds_planted_ones() -> None:
    planted = (
        '<form method="post">x</form>\n'
        '<form method="get">x</form>\n'
        '<form method="post"><input type="hidden" name="idempotency_key"></form>\n'
        '<form method="post" action="{% url \'sign-in\' %}">x</form>\n'
        '<form method="post" action="{% url \'pay\' %}">x</form>'
    )

    assert list(keyless(planted)) == [1, 5]
