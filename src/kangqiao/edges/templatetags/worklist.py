"""A row of a worklist, with its buttons. A list has dozens of rows, and a template costs ten times what this does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kangqiao.base.idempotency import new_key
from kangqiao.base.pages import Verb
from kangqiao.base.templatetags.kq import demo_mark, look, relative
from kangqiao.edges.home.rows import Row

register = template.Library()

# What `c-queue-row` draws, for these cells.
_ROW = """<tr class="bar-{}" id="{}" data-item{}><td class="wrap">{}{} <span class="m s">{}</span></td>
<td class="wrap"><b>{}</b> <span class="m s">{}</span></td>
<td class="num">{}</td>
<td><form method="post" class="steps-row">{}{}{}</form></td></tr>
"""
_AT_HAND = ' aria-selected="true" tabindex="0"{}'
_TITLE = '<a class="open" data-open href="{}"{}>{}</a>'
_HIDDEN = '<input type="hidden" name="{}" value="{}">'
_LATE = '<b class="red">{}</b> <span class="xs">{}</span>'
_DUE = '<span class="amber">{}</span>'
_IN_DRAWER = ' hx-get="{}?{}" hx-target="#drawer-host"'
_OPENS = '<a class="btn btn-s" href="{}"{} data-row-key="{}">{} <kbd>{}</kbd></a>'
_ASKS_WHY = (
    '<button type="button" class="btn btn-s" data-dialog="#queue-reason" data-address="{}" data-step="{}"'
    ' data-back="{}" data-row-key="{}">{} <kbd>{}</kbd></button>'
)
_GOES_THERE = '<button class="btn btn-s" formaction="{}" data-row-key="{}">{} <kbd>{}</kbd></button>'
_POSTS = (
    '<button class="btn btn-s" formaction="{}" hx-post="{}" hx-target="#queue" hx-swap="outerHTML"'
    ' hx-sync="closest form:drop" name="step" value="{}" data-row-key="{}">{} <kbd>{}</kbd></button>'
)


@register.simple_tag(takes_context=True)
def worklist_rows(context: dict[str, Any], lines: list[tuple[Row, str]], selected: str, *, focus: bool) -> SafeString:
    """The rows of a list, each with the address its steps come back to; the selected one is at hand for the keys.

    With `focus` the selected one takes the focus when the list arrives.
    """
    at_hand = format_html(_AT_HAND, " data-focus" if focus else "")
    demo = format_html(" {}", demo_mark())
    csrf = format_html(_HIDDEN, "csrfmiddlewaretoken", context.get("csrf_token", ""))
    return format_html_join("", _ROW, (
        (
            look(row.look), row.key, at_hand if row.key == selected else "",
            format_html(_TITLE, row.url, _drawer(row.url, back) if row.part else "", row.title),
            demo if row.is_demo else "", row.note, row.lead, row.rest, _wait(row, context["now"]), csrf,
            format_html_join("", _HIDDEN, (
                ("idempotency_key", new_key()), ("back", back), *row.fields,
            )),
            format_html_join("", "{}", ((_button(verb, n, back, row),) for n, verb in enumerate(row.verbs, start=1))),
        )
        for row, back in lines
    ))  # fmt: skip


def _wait(row: Row, now: datetime) -> SafeString | str:
    if row.due is None:
        return relative(row.since, now) if row.since else ""
    if row.due < now:
        return format_html(_LATE, _("已超时"), relative(row.due, now))
    return format_html(_DUE, relative(row.due, now))


def _drawer(url: str, back: str) -> SafeString:
    return format_html(_IN_DRAWER, url, urlencode({"back": back}))


def _button(verb: Verb, key: int, back: str, row: Row) -> SafeString:
    if verb.opens:
        drawer = _drawer(verb.url, back) if row.part and verb.url == row.url else ""
        return format_html(_OPENS, verb.url, drawer, key, verb.label, key)
    if verb.needs_reason:
        return format_html(_ASKS_WHY, verb.url, verb.step, back, key, verb.label, key)
    if verb.step == "open":
        return format_html(_GOES_THERE, verb.url, key, verb.label, key)
    return format_html(_POSTS, verb.url, verb.url, verb.step, key, verb.label, key)
