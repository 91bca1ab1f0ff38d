"""The gallery page. Its people are invented and its figures made up; each is marked so on the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.models import ImportRow
from kangqiao.base.pages import Difference, RailItem
from kangqiao.base.trends import drawn
from kangqiao.edges.excel.preview import Line, preview
from kangqiao.edges.excel.residents import RESIDENTS
from kangqiao.kernel.states import Look, State, Step

# untranslated: a state carries both names
STATES = (
    State("waiting", "待处理", "Waiting", Look.WAIT),
    State("going", "进行中", "Under way", Look.GO),
    State("done", "完成", "Done", Look.DONE),
    State("returned", "退回", "Returned", Look.BACK),
    State("lapsed", "已过期", "Lapsed", Look.GONE),
)
# untranslated: a step carries both names
STEPS = (
    Step("accept", "接收并占号", "Accept and hold", ("waiting",), "going", ("desk",), primary=True),
    Step("return", "退回并说明", "Return", ("waiting",), "returned", ("desk",), needs_reason=True, danger=True),
    Step("move", "改期", "Move", ("waiting",), "waiting", ("desk",)),
)
# untranslated: invented names
EXPERTS = ("沈青黛", "顾白芷", "方海桐", "宋紫苏", "苏决明", "韩景天")
TOKENS = (
    ("ground", "#f6f8fa", gettext_lazy("底"), ""),
    ("paper", "#ffffff", gettext_lazy("纸"), ""),
    ("sunken", "#eef2f5", gettext_lazy("凹处"), ""),
    ("line", "#dfe6ec", gettext_lazy("线"), ""),
    ("field", "#7d8c99", gettext_lazy("输入框边"), "3.5"),
    ("ink", "#1b2733", gettext_lazy("字"), "15.2"),
    ("ink-2", "#51606e", gettext_lazy("次要字"), "6.5"),
    ("ink-3", "#5d6b78", gettext_lazy("注"), "5.5"),
    ("primary", "#0b6e99", gettext_lazy("主色，按钮与链接"), "5.7"),
    ("seal", "#b3261e", gettext_lazy("仅用于危险与急"), "6.5"),
    ("rail", "#0b3448", gettext_lazy("导航底"), "13.1"),
    ("wait", "#85580a", gettext_lazy("待处理 字"), "5.7"),
    ("go", "#2a5cab", gettext_lazy("进行中 字"), "5.7"),
    ("done", "#1d7047", gettext_lazy("完成 字"), "5.4"),
    ("back", "#b3261e", gettext_lazy("退回 字"), "5.7"),
    ("gone", "#5a6670", gettext_lazy("已过期 字"), "5.1"),
    ("c1", "#2368a8", gettext_lazy("● 心血管内科"), "5.8"),
    ("c2", "#b8532a", gettext_lazy("◆ 内分泌科"), "4.9"),
    ("c3", "#27795b", gettext_lazy("▲ 儿科"), "5.3"),
    ("c4", "#84549f", gettext_lazy("■ 妇科"), "5.6"),
    ("c5", "#94690a", gettext_lazy("✚ 中医科"), "4.9"),
    ("c6", "#3d6a78", gettext_lazy("⬢ 神经内科"), "5.9"),
)


class SampleForm(forms.Form):
    """A form with every kind of field and every kind of fault."""

    name = forms.CharField(label=gettext_lazy("姓名"), help_text=gettext_lazy("与身份证一致"))
    phone = forms.RegexField(
        r"^1\d{10}$",
        label=gettext_lazy("手机"),
        error_messages={"invalid": gettext_lazy("手机号是 11 位数字。")},
    )
    team = forms.ChoiceField(
        label=gettext_lazy("团队"), choices=[("1", gettext_lazy("第一全科")), ("2", gettext_lazy("第二全科"))]
    )
    urgency = forms.ChoiceField(
        label=gettext_lazy("缓急"),
        widget=forms.RadioSelect,
        choices=[("plain", gettext_lazy("平诊")), ("urgent", gettext_lazy("急"))],
    )
    note = forms.CharField(label=gettext_lazy("补充"), widget=forms.Textarea, required=False)


@require_safe
@access("public")
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state; 404 outside demonstration mode."""
    if settings.DEMO == "none":
        raise Http404
    return render(request, "gallery.html", sample())


def sample() -> dict[str, Any]:
    """What the gallery shows: states, times around now, a form with faults, invented names."""
    now = timezone.now()
    blocked = {"action": "discharge", "zh": _("下转"), "en": _("下转"), "why": _("还没有回信")}
    steps = [
        {"label": _("发出"), "at": "08:06"},
        {"label": _("接收"), "at": "09:12"},
        {"label": _("就诊"), "at": _("20日"), "now": True},
        {"label": _("回信")},
        {"label": _("下转")},
    ]
    return {
        "rail": [
            RailItem("/gallery/", "layout-list", _("组件"), current=True),
            RailItem("/gallery/?page=2", "transfer", _("转诊"), badge=4),
        ],
        "states": STATES,
        "by_word": {state.look.value: state for state in STATES},
        "steps": [*STEPS, blocked],
        "path": steps,
        "refused": [steps[0], {"label": _("接收"), "at": "09:12", "no": True}],
        "experts": [{"name": name, "shape": number} for number, name in enumerate(EXPERTS, start=1)],
        "form": SampleForm({"name": "", "phone": "1390", "team": "1", "urgency": "plain"}),
        "clean": SampleForm(),
        "tokens": TOKENS,
        "soon": now + timedelta(hours=2, minutes=34),
        "hold": now + timedelta(minutes=4, seconds=32),
        "ago": now - timedelta(hours=3),
        "days": [(now + timedelta(days=n - now.weekday())).date() for n in range(5)],
        "import_heads": [column.head for column in RESIDENTS.columns],
        "import_lines": _import_lines(),
        "page_obj": Paginator(range(1_284), 20).get_page(2),
        "fen": 142_317_950,
        "share": 0.727,
        "history": [
            {"verb": _("发出"), "who": EXPERTS[0], "at": now - timedelta(hours=3)},
            {"verb": _("退回"), "who": EXPERTS[1], "at": now, "reason": _("缺心电图")},
        ],
        **_figures(),
        "allergies": [_("青霉素过敏")],
        "facts": [(_("出自"), _("珠海市“联建协管”工作方案")), (_("生效"), None)],
    }


def _figures() -> dict[str, Any]:
    """Values over periods, one of them missing; what differs from a paper before."""
    return {
        "trend": drawn([(f"2025 Q{n}", value) for n, value in enumerate((52, 55, None, 58), start=1)]),
        "no_trend": drawn([]),
        "nothing": [],
        "differences": [
            Difference("added", EXPERTS[0], _("香湾"), "2026-01-01 – 2026-12-31", is_person=True),
            Difference(
                "changed", EXPERTS[1], _("香湾"), fields=((_("止"), "2026-06-30", "2026-12-31"),), is_person=True
            ),
            Difference("removed", EXPERTS[2], _("香湾"), is_person=True),
        ],
    }


def _import_lines() -> list[Line]:
    """Rows of an invented register: fine, worth a look, faulty, being mended, entered, left where it is."""
    heads = [column.head for column in RESIDENTS.columns]
    wrong = [{"head": heads[3], "code": "check_digit", "bad": True, "more": {}}]
    odd = [{"head": heads[4], "code": "phone", "bad": False, "more": {}}]
    used = {"entered_id": 2, "stays": "scheduling.booking"}
    given: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
        ("good", [], {}), ("warn", odd, {}), ("bad", wrong, {}), ("bad", wrong, {}), ("good", [], {"entered_id": 1}),
        ("good", [], used),
    ]  # fmt: skip
    cells = dict(zip(heads, (column.example for column in RESIDENTS.columns), strict=True))
    rows = [
        ImportRow(pk=number, line=number + 1, mark=mark, findings=found, cells=cells, **more)
        for number, (mark, found, more) in enumerate(given, start=1)
    ]
    return preview(RESIDENTS, rows, edit=4)
