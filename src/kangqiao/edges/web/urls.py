"""Addresses browsers report to."""

from __future__ import annotations

from django.urls import path

from kangqiao.edges.web import views

urlpatterns = [
    path("csp-report/", views.content_policy_report, name="csp-report"),
    path("drafts/", views.keep_draft, name="drafts-keep"),
    path("drafts/drop/", views.drop_draft, name="drafts-drop"),
]
