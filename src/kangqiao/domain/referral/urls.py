"""Addresses of referral."""

from django.urls import URLPattern, path

from kangqiao.domain.referral.views import arrivals, attaching, discharge, letters, results, schools, writing

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
    path("school/", schools.index, name="referral-school"),
    path("school/new/", schools.new, name="referral-school-new"),
    path("school/<int:case_id>/", schools.case, name="referral-school-case"),
    path("school/<int:case_id>/answer/", schools.answer, name="referral-school-answer"),
    path("school/<int:case_id>/forward/", schools.forward, name="referral-school-forward"),
    path("school/<int:case_id>/withdraw/", schools.withdraw, name="referral-school-withdraw"),
    path("attachments/<int:attachment_id>/", attaching.read, name="referral-attachment"),
    path("attachments/<int:attachment_id>/take-back/", attaching.take_back, name="referral-attachment-take-back"),
    path("<int:referral_id>/attach/", attaching.attach, name="referral-attach"),
    path("<int:referral_id>/", letters.detail, name="referral-detail"),
    path("<int:referral_id>/print/", letters.sheet, name="referral-print"),
    path("<int:referral_id>/undo/", letters.undo, name="referral-undo"),
    path("<int:referral_id>/receive/", arrivals.receive, name="referral-receive"),
    path("<int:referral_id>/done/<slug:part>/", arrivals.done, name="referral-part"),
    path("<int:referral_id>/<slug:action>/", letters.step, name="referral-step"),
]
