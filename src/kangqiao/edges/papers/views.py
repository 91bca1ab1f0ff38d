"""Papers are handed out, checked by anybody, and their templates kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base import papers
from kangqiao.base.access import access
from kangqiao.base.acting import as_system
from kangqiao.base.idempotency import idempotent
from kangqiao.base.sheets import download
from kangqiao.base.uploads import looked_through
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import permissions as contracts
from kangqiao.domain.finance import permissions as finance
from kangqiao.domain.publication import permissions as publications
from kangqiao.domain.referral import permissions as referrals
from kangqiao.edges.papers import writing
from kangqiao.edges.papers.defaults import default_template
from kangqiao.edges.papers.facts import NAMES, agreement_kind, sample
from kangqiao.edges.papers.kinds import HOLDERS, KINDS, PaperKind, kind_named, standing
from kangqiao.edges.public.site import VisitorRequest, site
from kangqiao.kernel.errors import RuleBroken

KEEPERS = (Role.SYSTEM_ADMIN,)


class TemplateForm(forms.Form):
    """One Word file."""

    template = forms.FileField(
        label=gettext_lazy("Word 模板"), widget=forms.ClearableFileInput(attrs={"accept": ".docx"}),
        error_messages={"required": gettext_lazy("还没有选文件。"), "empty": gettext_lazy("文件是空的。")},
    )  # fmt: skip


@require_POST
@access("role", roles=(*referrals.CENTRE_ROLES, *referrals.HOSPITAL_ROLES))
@idempotent
def referral(request: SeatedRequest, referral_id: int) -> HttpResponse:
    """The two-way referral form is handed out."""
    return _issue(request, KINDS["referral"], referral_id)


@require_POST
@access("role", roles=HOLDERS)
@idempotent
def agreement(request: SeatedRequest, pk: int) -> HttpResponse:
    """An agreement is handed out as a paper, the yearly target agreement in its own form."""
    return _issue(request, KINDS[agreement_kind(request.seat, pk)], pk)


@require_POST
@access("role", roles=contracts.CENTRE)
@idempotent
def contract(request: SeatedRequest, contract_id: int) -> HttpResponse:
    """A family doctor's contract is handed out."""
    return _issue(request, KINDS["contract"], contract_id)


@require_POST
@access("role", roles=finance.READERS)
@idempotent
def settlement(request: SeatedRequest, pk: int) -> HttpResponse:
    """The statement of a settlement is handed out."""
    return _issue(request, KINDS["settlement"], pk)


@require_POST
@access("role", roles=publications.STAFF)
@idempotent
def publication(request: SeatedRequest, pk: int) -> HttpResponse:
    """A hospital's public list is handed out."""
    return _issue(request, KINDS["publication"], pk)


@require_safe
@access("role", roles=HOLDERS)
def file(request: SeatedRequest, paper_id: int) -> HttpResponse:
    """The Word file of a paper that was handed out, for whoever may see its row, as long as it says the same."""
    paper = papers.get_paper(paper_id)
    found = _facts(request, KINDS[paper.kind], paper.subject_id)
    if papers.fingerprint(found) != paper.sha256:
        raise RuleBroken(_("内容已经变了，这张文书不再出具。"), next_step=_("请回到原页重新出具一张。"))
    own = papers.template_of(paper.kind)
    content = writing.fill(
        bytes(own.content) if own else default_template(paper.kind), found,
        address=request.build_absolute_uri(reverse("papers-verify", args=(papers.mark_of(paper),))),
        fingerprint=paper.sha256,
    )  # fmt: skip
    return download(content, file_name=f"{paper.kind}-{paper.pk}.docx", mime=writing.MIME)


@require_safe
@access("public")
def verify(request: VisitorRequest, mark: str) -> HttpResponse:
    """Whether a paper is true: its kind, number, date and issuer, and nothing about a person. No sign-in."""
    with as_system("papers-verify"):
        paper = papers.paper_by_mark(mark)
        said = standing(paper)
    page = {"paper": paper, "kind": KINDS[paper.kind], "said": said, "short": paper.sha256[: writing.SHOWN_OF_MARK]}
    page["site"] = site("papers-verify", request.seat is not None)
    return render(request, "papers/verify.html", page)


@require_safe
@access("role", roles=KEEPERS)
def templates(request: SeatedRequest) -> HttpResponse:
    """The kinds of paper, each with the template it is made from."""
    return _templates(request, "", TemplateForm())


@require_safe
@access("role", roles=KEEPERS)
def template_file(request: SeatedRequest, paper: str) -> HttpResponse:
    """The template in use, to be edited in Word."""
    kind = kind_named(paper)
    own = papers.template_of(kind.key)
    content = bytes(own.content) if own else default_template(kind.key)
    return download(content, file_name=f"template-{kind.key}.docx", mime=writing.MIME)


@require_POST
@access("role", roles=KEEPERS, step_up=True)
@idempotent
def upload(request: SeatedRequest, paper: str) -> HttpResponse:
    """A template of the site's own, after it was looked through and filled in once."""
    kind, form = kind_named(paper), TemplateForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            content = looked_through(form.cleaned_data["template"])
            writing.check(content, sample(kind.key))
        except RuleBroken as refused:
            form.add_error("template", str(refused))
        else:
            papers.replace_template(kind=kind.key, content=content, by=request.actor, at=timezone.now())
            messages.success(request, _("%(what)s从现在起用您的模板。") % {"what": kind.title})
            return redirect("papers-templates")
    return _templates(request, kind.key, form)


@require_POST
@access("role", roles=KEEPERS)
@idempotent
def revert(request: SeatedRequest, paper: str) -> HttpResponse:
    """The template that came with the product is used again."""
    kind = kind_named(paper)
    papers.revert_template(kind=kind.key, by=request.actor, at=timezone.now())
    messages.success(request, _("%(what)s恢复使用自带的模板。") % {"what": kind.title})
    return redirect("papers-templates")


def _facts(request: SeatedRequest, kind: PaperKind, subject_id: int) -> Any:
    with override("zh-hans"):
        return kind.facts(request.seat, subject_id, timezone.now())


def _issue(request: SeatedRequest, kind: PaperKind, subject_id: int) -> HttpResponse:
    found = _facts(request, kind, subject_id)
    # untranslated: names in the template
    paper = papers.issue_paper(
        kind=kind.key, subject_id=subject_id, number=found["编号"], facts=found, organization=found["出具单位"],
        by=request.actor, at=timezone.now(),
    )  # fmt: skip
    return redirect("papers-file", paper.pk)


def _templates(request: SeatedRequest, wrong: str, form: TemplateForm) -> HttpResponse:
    rows = [
        (kind, papers.template_of(key), form if key == wrong else TemplateForm(auto_id=f"id_{key}_%s"), NAMES[key])
        for key, kind in KINDS.items()
    ]
    return render(request, "papers/templates.html", {"rows": rows}, status=422 if form.errors else 200)
