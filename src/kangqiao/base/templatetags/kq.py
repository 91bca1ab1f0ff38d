"""Filters and tags of the page components: money, times, masks, states and shapes as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import segno
from django import template
from django.forms.boundfield import BoundField
from django.templatetags.static import static
from django.utils import dateformat, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from kangqiao.base.exports import ASKED, SHEET
from kangqiao.kernel import money as kernel_money
from kangqiao.kernel.states import Look

register = template.Library()

WEEKDAYS = (
    gettext_lazy("周一"),
    gettext_lazy("周二"),
    gettext_lazy("周三"),
    gettext_lazy("周四"),
    gettext_lazy("周五"),
    gettext_lazy("周六"),
    gettext_lazy("周日"),
)
LOOK_ICONS = {"wait": "clock", "go": "progress", "done": "check", "back": "arrow-back-up", "gone": "circle-off"}
SHAPES = 6


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """The icon of that name from the sprite: decoration unless it has a label."""
    kind = {"s": "i i-s", "l": "i i-l"}.get(size, "i")
    address = f"{static('vendor/icons.svg')}#i-{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', kind, label, address)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', kind, address)


@register.simple_tag
def demo_mark(*, whole: bool = False) -> SafeString:
    """演示: beside every invented person, many times on a page. `whole` for the whole environment."""
    if whole:
        return format_html('<span class="demo" title="{}">{}</span>', _("演示环境：人员与数字为虚构"), _("演示环境"))
    return format_html('<span class="demo" title="{}">{}</span>', _("虚构的人，用于演示"), _("演示"))


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A code to scan, as a picture of the page itself: dark on white in every display."""
    address = segno.make(text, error="m").svg_data_uri(scale=1, border=4, light="#fff")
    return format_html('<img src="{}" alt="{}" width="240" height="240">', address, label)


@register.simple_tag
def shape(number: int) -> SafeString:
    """The shape of a specialty in its hue; with six of each no two of 36 specialties look alike."""
    address = f"{static('kangqiao/shapes.svg')}#s{(int(number) - 1) % SHAPES + 1}"
    return format_html(
        '<svg class="sh {}" viewBox="0 0 12 12" aria-hidden="true"><use href="{}"/></svg>', hue(number), address
    )


@register.filter
def hue(number: int) -> str:
    """The class of the specialty's hue, `c1` to `c6`; each further round of shapes takes the next hue."""
    turn, place = divmod(int(number) - 1, SHAPES)
    return f"c{(place + turn) % SHAPES + 1}"


@register.filter
def look(state: Any) -> str:
    """The look of a state, a Look or its word, as the css word: wait, go, done, back, gone."""
    found = getattr(state, "look", state)
    word = found.value if isinstance(found, Look) else str(found or "")
    return word if word in LOOK_ICONS else "gone"


@register.filter
def look_icon(state: Any) -> str:
    """The icon that always goes with the look."""
    return LOOK_ICONS[look(state)]


@register.filter
def called(thing: Any) -> str:
    """The name of a state or step (or anything with `zh` and `en`) in the reader's language."""
    key = "en" if is_english() else "zh"
    name = thing.get(key) if isinstance(thing, Mapping) else getattr(thing, key, "")
    return str(name or thing)


def is_english() -> bool:
    """Whether the reader reads English."""
    return (translation.get_language() or "").startswith("en")


@register.filter
def num(value: Any, places: int | None = None) -> str:
    """A number with thousands separators in either language; 未知 for nothing."""
    if value is None or value == "":
        return _("未知")
    exact = Decimal(str(value))
    text = f"{exact:,.{places}f}" if places is not None else f"{exact:,f}"
    return text.replace("-", "−")


@register.filter
def money(fen: int | None) -> str:
    """An amount in fen as ¥1,234.50; 未知 for nothing."""
    return _("未知") if fen is None else f"{'−' if fen < 0 else ''}¥{yuan(abs(fen))}"


@register.filter
def yuan(fen: int | None) -> str:
    """An amount in fen as 1,234.50, for columns with the unit in the head; 未知 for nothing."""
    return _("未知") if fen is None else f"{kernel_money.yuan(fen):,.2f}".replace("-", "−")


@register.filter
def in_words(fen: int) -> str:
    """The amount in Chinese capitals, as statements print it."""
    return kernel_money.in_words(fen)


@register.filter
def percent(share: Any, places: int = 1) -> str:
    """A share between 0 and 1 as a percentage; 未知 for nothing."""
    return _("未知") if share is None else f"{Decimal(str(float(share) * 100)):.{places}f}%"


@register.filter
def bar_width(share: Any) -> str:
    """A share between 0 and 1 as the width of a drawn bar, kept within the bar."""
    return f"{max(0.0, min(1.0, float(share or 0))) * 100:.2f}%"


@register.filter
def weekday(day: date) -> str:
    """周一 … 周日."""
    return str(WEEKDAYS[day.weekday()])


@register.filter
def halfday(value: Any) -> str:
    """上午 or 下午, from "am"/"pm" or a time of the day."""
    word = getattr(value, "value", value)
    if isinstance(word, str):
        return _("上午") if word.lower().startswith("am") else _("下午")
    hour = timezone.localtime(word).hour if isinstance(word, datetime) and timezone.is_aware(word) else word.hour
    return _("上午") if hour < 12 else _("下午")


@register.filter
def day(value: date | datetime | None) -> str:
    """5月18日 周一; 未知 for nothing."""
    if value is None:
        return _("未知")
    local = timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
    return f"{dateformat.format(local, _('n月j日'))} {weekday(local)}"


@register.filter
def clock(value: datetime | None) -> str:
    """The time of the day, 09:20, in local time."""
    if value is None:
        return _("未知")
    local = timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
    return f"{local:%H:%M}"


@register.filter
def relative(value: datetime, now: datetime) -> str:
    """How long ago, 3 小时前, or how long still, 还剩 2 小时 34 分, seen from `now`."""
    left = value - now
    if left >= timedelta(0):
        return _("还剩 %(length)s") % {"length": length(left)}
    if -left < timedelta(minutes=1):
        return _("刚刚")
    return _("%(length)s前") % {"length": length(-left, parts=1)}


@register.filter
def overdue(value: datetime, now: datetime) -> bool:
    """Whether the time has passed."""
    return value < now


@register.filter
def duration(span: timedelta) -> str:
    """A span in its two largest units, 2 小时 34 分."""
    return length(span)


def length(span: timedelta, parts: int = 2) -> str:
    """The span in words, at most `parts` units; from minutes down in one."""
    seconds = int(span.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    counts = (days, hours, minutes, seconds)
    words = (
        ngettext("%(n)s 天", "%(n)s 天", days) % {"n": days},
        ngettext("%(n)s 小时", "%(n)s 小时", hours) % {"n": hours},
        ngettext("%(n)s 分", "%(n)s 分", minutes) % {"n": minutes},
        ngettext("%(n)s 秒", "%(n)s 秒", seconds) % {"n": seconds},
    )
    first = next((index for index, n in enumerate(counts) if n), len(counts) - 1)
    last = first + (parts if first < 2 else 1)
    return " ".join(words[index] for index in range(first, last) if counts[index] or index == first)


@register.filter
def masked(text: str | None, kind: str = "id") -> str:
    """An identity number with its middle hidden, 440402********1216; a phone as 138****0427; 未知 for nothing."""
    if not text:
        return _("未知")
    if kind == "phone" or re.fullmatch(r"1\d{10}", text):
        return text[:3] + "****" + text[-4:]
    if len(text) < 10:
        return text[:1] + "*" * (len(text) - 1)
    return text[:6] + "*" * (len(text) - 10) + text[-4:]


@register.filter
def surname_masked(name: str | None) -> str:
    """A name for public pages: the first character and stars."""
    return (name[:1] + "*" * (len(name) - 1)) if name else _("未知")


@register.filter
def is_group(bound: BoundField) -> bool:
    """Whether the field is several inputs under one legend (radio buttons, a list of boxes)."""
    return bool(bound.use_fieldset)


@register.filter
def key_words(keys: str) -> str:
    """A key as printed on a button: alt+s becomes Alt S."""
    return " ".join(part.capitalize() for part in keys.split(" ")[0].split("+"))


@register.filter
def parts(text: str) -> list[str]:
    """Words separated by | as a list."""
    return [part.strip() for part in str(text).split("|") if part.strip()]


@register.filter
def share_of(done: Any, total: Any) -> float:
    """done ÷ total, between 0 and 1; nothing to do counts as nothing done."""
    whole = float(total or 0)
    return max(0.0, min(1.0, float(done or 0) / whole)) if whole else 0.0


@register.filter
def undo_url(message: Any) -> str:
    """The address that takes a message's act back: the message was added with extra_tags="undo:/address/"."""
    tags = str(message.extra_tags or "").split()
    return next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")


@register.simple_tag(takes_context=True)
def with_page(context: template.Context, number: int) -> str:
    """The present address with another page number; every other part of it stays."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.filter
def has_sheet(request: Any) -> bool:
    """Whether the page gives its tables as a sheet too."""
    match = getattr(request, "resolver_match", None)
    return bool(match and getattr(match.func, "exports", False))


@register.simple_tag(takes_context=True)
def as_sheet(context: template.Context) -> str:
    """The present address as a sheet: same filters, all pages."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query[ASKED] = SHEET
    return f"?{query.urlencode()}"
