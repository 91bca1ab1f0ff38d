"""Addresses of referral."""

from django.urls import URLPattern, path

from kangqiao.domain.referral.views import arrivals, discharge, letters, results, writing

urlpatterns: list[URLPattern] = [
    path("", letters.index, name="referral-list"),
    path("desk/", letters.desk, name="referral-desk"),
    path("new/", writing.new, name="referral-new"),
    path("new/slots/", writing.slots, name="referral-slots"),
    path("new/whole/", writing.whole, name="referral-whole"),
    path("arrivals/", arrivals.today, name="referral-arrivals"),
    path("discharge/", discharge.fit, name="referral-discharge"),
    path("results/", results.results, name="referral-results"),
    path("down/", writing.down, name="referral-down"),
    path("mine/", letters.mine, name="referral-mine"),
    path("<int:referral_id>/", letters.detail, name="referral-detail"),
    path("<int:referral_id>/print/", letters.sheet, name="referral-print"),
    path("<int:referral_id>/undo/", letters.undo, name="referral-undo"),
    path("<int:referral_id>/receive/", arrivals.receive, name="referral-receive"),
    path("<int:referral_id>/done/<slug:part>/", arrivals.done, name="referral-part"),
    path("<int:referral_id>/<slug:action>/", letters.step, name="referral-step"),
]
