"""Addresses of messaging."""

from django.urls import URLPattern, path

from kangqiao.domain.messaging import views

urlpatterns: list[URLPattern] = [
    path("", views.inbox, name="messaging-inbox"),
    path("read/", views.read_all, name="messaging-read-all"),
    path("<int:notice_id>/", views.open_notice, name="messaging-open"),
]
