"""A person asks for what is kept about them, and fetches it when it is ready."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from procrastinate.contrib.django import app as jobs

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.jobs import begin_job, jobs_of
from kangqiao.base.pages import number_in
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.records import queries as records
from kangqiao.edges.mydata import forms

KIND, LISTED = "mydata", 6


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=(Role.RESIDENT,))
@idempotent
def mine(request: SeatedRequest) -> HttpResponse:
    """Everything kept about oneself or one's child as a sheet or a bundle; posting puts it into the queue."""
    person = records.own_record(request.seat, _asked(request))
    form = forms.WantedForm(request.POST or None)
    url = reverse("mydata") + (f"?resident={person.pk}" if person.user_id != request.seat.user_id else "")
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["wanted"]
        label = _("%(name)s的数据：%(what)s") % {"name": person.name, "what": dict(forms.FORMS)[wanted]}
        by = request.actor
        bar = begin_job(kind=f"{KIND}.{wanted}", label=label, url=url, by=by, at=timezone.now())
        jobs.configure_task("mydata.gather").defer(
            resident_id=person.pk, membership_id=request.seat.membership_id, wanted=wanted,
            language=get_language() or "", by=asdict(by), job_id=bar.pk,
        )  # fmt: skip
        return redirect(url)
    rest = records.protection_of_file(request.seat, person)
    page = {"resident": person, "form": form, "is_whole": not rest.hides, "back": _about(request, url)}
    page["jobs"] = jobs_of(request.actor).filter(kind__startswith=f"{KIND}.")[:LISTED]
    return render(request, "mydata/mine.html", page, status=422 if form.errors else 200)


def _asked(request: HttpRequest) -> int | None:
    wanted = request.GET.get("resident", "")
    return number_in(wanted)


def _about(request: HttpRequest, url: str) -> str:
    return reverse("records-mine") + url.removeprefix(reverse("mydata"))
