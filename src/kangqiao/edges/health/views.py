"""The answer to whoever watches the site."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kangqiao.base.access import PUBLIC, access
from kangqiao.edges.health import queries


@transaction.non_atomic_requests  # it must answer when no transaction can begin
@access(PUBLIC)
@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 if database, tables and worker are well, else 503; no sign-in, no personal data."""
    health = queries.health_of_site()
    return JsonResponse(health.as_dict(), status=200 if health.well else 503)
