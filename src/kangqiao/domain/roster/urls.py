"""Addresses of roster."""

from django.urls import URLPattern, path

from kangqiao.domain.roster import views

urlpatterns: list[URLPattern] = [
    path("", views.board, name="roster-board"),
    path("export/", views.export, name="roster-export"),
    path("plan/", views.plan, name="roster-plan"),
    path("<int:roster_id>/publish/", views.publish, name="roster-publish"),
    path("half-days/", views.add, name="roster-add"),
    path("half-days/<int:half_day_id>/move/", views.move, name="roster-move"),
    path("half-days/<int:half_day_id>/step/", views.step, name="roster-step"),
    path("half-days/<int:half_day_id>/work/", views.record, name="roster-record"),
    path("postings/", views.postings, name="roster-postings"),
    path("postings/nominate/", views.nominate, name="roster-nominate"),
    path("postings/<int:posting_id>/step/", views.posting_step, name="roster-posting-step"),
    path("attendance/", views.attendance, name="roster-attendance"),
    path("mine/", views.mine, name="roster-mine"),
]
