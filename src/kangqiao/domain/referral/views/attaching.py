"""Files that travel with a letter: added, read as a download and never in the page, taken back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.sheets import download
from kangqiao.base.uploads import looked_into
from kangqiao.domain.referral import actions, forms, queries
from kangqiao.domain.referral.views.letters import STAFF, Request
from kangqiao.kernel.errors import RuleBroken


@require_POST
@access("role", roles=STAFF)
@idempotent
def attach(request: Request, referral_id: int) -> HttpResponse:
    """The sender adds a file."""
    one, at = queries.get_referral(request.seat, referral_id), timezone.now()
    form = forms.AttachmentForm(request.POST, request.FILES)
    if not form.is_valid():
        raise RuleBroken(_("还没有选文件，或文件名太长。"), next_step=_("请选一份 PDF、JPG 或 PNG，再按“加附件”。"))
    file = looked_into(form.cleaned_data["file"], queries.most_bytes(one, at))
    made = actions.attach_file(referral_id=one.pk, file=file, by=request.actor, at=at)
    messages.success(request, _("附件“%(name)s”已随单子送出。") % {"name": made.name})
    return redirect("referral-detail", one.pk)


@require_safe
@access("role", roles=STAFF)
def read(request: Request, attachment_id: int) -> HttpResponse:
    """The file as a download; who opened it stands in the log of reads."""
    content, name, mime = queries.opened(queries.get_attachment(request.seat, attachment_id))
    return download(content, file_name=name, mime=mime)


@require_POST
@access("role", roles=STAFF)
@idempotent
def take_back(request: Request, attachment_id: int) -> HttpResponse:
    """The sender takes a file back with a reason."""
    one, reason = queries.get_attachment(request.seat, attachment_id), request.POST.get("reason", "")
    actions.take_back_file(attachment_id=one.pk, reason=reason, by=request.actor, at=timezone.now())
    messages.success(request, _("附件已收回，对方打不开了，也会看到原因。"))
    return redirect("referral-detail", one.referral_id)
