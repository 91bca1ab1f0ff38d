"""Addresses of stations."""

from django.urls import URLPattern, path

from kangqiao.domain.stations import views

urlpatterns: list[URLPattern] = [
    path("", views.index, name="stations-list"),
    path("new/", views.new, name="stations-new"),
    path("<int:station_id>/report/", views.report, name="stations-report"),
]
