"""Work of the queue that failed, for whoever keeps the site running: what, how often it was tried, since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob

FAILED = "failed"
# What the tasks of `edges/jobs` do, in the words of whoever keeps the site running.
TASKS: dict[str, str | Promise] = {
    "agreements.terms": _("协议到期生效和终止"),
    "audit.check": _("校验审计链"),
    "audit.heads": _("签署审计链的链头"),
    "audit.seal": _("审计记录入链"),
    "contracting.services": _("清点签约服务、更新重点人群"),
    "contracting.terms": _("签约到期、生效和提醒"),
    "education.send": _("健康科普：推给到了日子的签约居民"),
    "followup.services": _("按做过的服务更新健康方案"),
    "followup.surveys": _("诊后问卷：排、发、列出未回答的"),
    "forms.forget": _("清理过期的草稿和结果文件"),
    "mydata.gather": _("准备居民自己的数据"),
    "portal.clocks": _("居民的问题：超时提醒、自动结束"),
    "scheduling.offer": _("候补：没人接的号让给下一位"),
    "scheduling.weeks": _("按出诊模板开放今后几周"),
    "scheduling.reconcile": _("核对每个号的数"),
    "scheduling.sweep": _("清理早已结束的留号"),
    "imports.enter": _("写入导入的名单"),
    "messaging.send": _("短信和微信：发出排队的，问回执"),
    "imports.forget": _("清理过期的导入"),
    "jobs.again": _("重启中断的任务"),
    "publication.remind": _("提醒公示期限"),
    "referral.clocks": _("催办超时的转诊"),
    "referral.schools": _("催办校园急诊"),
    "referral.weekly": _("每周告诉院长停着的转诊"),
    "roster.close_week": _("结束一周的排班"),
    "roster.end_postings": _("结束到期的派驻"),
    "roster.plan": _("自动排班"),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """One piece of failed work."""

    pk: int
    name: str | Promise
    attempts: int
    since: datetime | None


def failed(limit: int) -> list[Failed]:
    """The pieces that failed and were not begun anew, the latest first."""
    rows = ProcrastinateJob.objects.filter(status=FAILED).annotate(since=Max("procrastinateevent__at"))
    return [
        Failed(row.pk, TASKS.get(row.task_name, row.task_name), row.attempts, row.since)
        for row in rows.order_by("-since", "-pk")[:limit]
    ]


def failed_waiting() -> tuple[int, datetime | None]:
    """How many there are, and since when the first."""
    rows = ProcrastinateJob.objects.filter(status=FAILED).annotate(since=Max("procrastinateevent__at"))
    told = rows.aggregate(n=Count("pk"), first=Min("since"))
    return told["n"], told["first"]


def failed_job(job_id: int) -> ProcrastinateJob | None:
    """One failed piece of work; None when it did not fail or was begun anew."""
    return ProcrastinateJob.objects.filter(pk=job_id, status=FAILED).first()
