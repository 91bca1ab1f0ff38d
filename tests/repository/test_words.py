"""U-11: lists that teach when they are empty, verbs on buttons, and a sentence instead of 操作成功."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository.sources import PRODUCT

LISTS = ("<c-queue-table", "<c-pagination")
# What tells a reader of an empty list what to do; or why the list is never empty.
TEACHES = ("<c-empty-state", "{% empty %}", "{# never empty: ")
BUTTON = re.compile(r"<(?:button|a)\b[^>]*\bclass=\"btn[^>]*>(.*?)</(?:button|a)>|\bverb=\"(.*?)\"", re.S)
MARKUP = re.compile(r"{%\s*icon[^%]*%}|<[^>]+>|{#.*?#}")
SAID = re.compile(r"{%\s*translate\s+['\"](.*?)['\"]\s*%}")
# Words that do not say what pressing does.
SAYS_NOTHING = {"确定", "确认", "好", "好的", "是", "否", "操作", "执行", "OK", "Ok", "Yes", "No", "Submit"}
BOASTS = re.compile("(操作|保存|提交|删除|修改|添加|新增)成功")


def faults(source: str, *, is_component: bool = False) -> Iterator[str]:
    """What a template says badly."""
    if any(one in source for one in LISTS) and not is_component and not any(one in source for one in TEACHES):
        yield "a list without a sentence for when it is empty"
    for match in BUTTON.finditer(source):
        words = MARKUP.sub("", SAID.sub(r"\1", match.group(1) or match.group(2) or "")).strip()
        if words in SAYS_NOTHING:
            yield f"a button that says {words}"
    if found := BOASTS.search(source):
        yield f"{found.group()} says nothing of what happened"


def test_templates_teach_and_say_what_happens() -> None:
    found = [
        f"{path.relative_to(PRODUCT)}: {fault}"
        for path in sorted(PRODUCT.rglob("*.html"))
        for fault in faults(path.read_text(encoding="utf-8"), is_component="components" in path.parts)
    ]

    assert found == []


def test_no_message_boasts() -> None:
    found = [
        str(path.relative_to(PRODUCT))
        for path in sorted(PRODUCT.rglob("*.py"))
        if "tests" not in path.parts and BOASTS.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("<c-queue-table>{% for a in b %}{% endfor %}</c-queue-table>", 1),
        ('{% if b %}<c-queue-table></c-queue-table>{% else %}<c-empty-state title="x"/>{% endif %}', 0),
        ('<button class="btn btn-primary">{% icon \'check\' %}{% translate "确定" %}</button>', 1),
        ('<a class="btn" href="x">{% translate "回到协议" %}</a>', 0),
        ("<c-form verb=\"{% translate '确认' %}\"/>", 1),
        ('{% translate "保存成功" %}', 1),
    ],
)
def test_the_rule_finds_planted_faults(source: str, count: int) -> None:
    assert len(list(faults(source))) == count


def test_every_template_is_read() -> None:
    assert len(list(Path(PRODUCT).rglob("*.html"))) > 100
