"""Root addresses; every module and edge brings its own."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("kangqiao.edges.health.urls")),
    path("", include("kangqiao.edges.web.urls")),
    path("", include("kangqiao.edges.home.urls")),
    path("", include("kangqiao.domain.accounts.urls")),
    path("", include("kangqiao.edges.single_sign_on.urls")),
    path("", include("kangqiao.edges.find.urls")),
    path("", include("kangqiao.edges.help.urls")),
    path("own/", include("kangqiao.edges.own.urls")),
    path("own/", include("kangqiao.edges.mydata.urls")),
    path("people/", include("kangqiao.edges.administration.urls")),
    path("agreements/", include("kangqiao.edges.network.urls")),
    path("agreements/", include("kangqiao.domain.agreements.urls")),
    path("roster/", include("kangqiao.domain.roster.urls")),
    path("slots/", include("kangqiao.domain.scheduling.urls")),
    path("slots/", include("kangqiao.edges.withdrawing.urls")),
    path("referrals/", include("kangqiao.domain.referral.urls")),
    path("", include("kangqiao.domain.contracting.urls")),
    path("asks/", include("kangqiao.domain.portal.urls")),
    path("plans/", include("kangqiao.domain.followup.urls")),
    path("indicators/", include("kangqiao.domain.indicators.urls")),
    path("appraisals/", include("kangqiao.domain.appraisal.urls")),
    path("appraisals/", include("kangqiao.edges.closing.urls")),
    path("finance/", include("kangqiao.domain.finance.urls")),
    path("publications/", include("kangqiao.domain.publication.urls")),
    path("", include("kangqiao.edges.audit.urls")),
    path("public/", include("kangqiao.edges.public.urls")),
    path("clauses/", include("kangqiao.edges.clauses.urls")),
    path("notices/", include("kangqiao.domain.messaging.urls")),
    path("residents/", include("kangqiao.domain.residents.urls")),
    path("residents/", include("kangqiao.domain.records.urls")),
    path("residents/", include("kangqiao.edges.chart.urls")),
    path("imports/", include("kangqiao.edges.excel.urls")),
    path("", include("kangqiao.edges.papers.urls")),
    path("work/", include("kangqiao.edges.work.urls")),
    path("institutions/", include("kangqiao.domain.institutions.urls")),
]
handler500 = "kangqiao.config.room.failed"
if settings.DEMO != "none":
    urlpatterns.append(path("gallery/", include("kangqiao.edges.gallery.urls")))
