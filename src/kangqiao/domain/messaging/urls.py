"""Addresses of messaging."""

from django.urls import URLPattern, path

from kangqiao.domain.messaging import views

urlpatterns: list[URLPattern] = [
    path("", views.inbox, name="messaging-inbox"),
    path("read/", views.read_all, name="messaging-read-all"),
    path("deliveries/", views.deliveries, name="messaging-deliveries"),
    path("deliveries/<int:delivery_id>/again/", views.again, name="messaging-again"),
    path("<int:notice_id>/read/", views.read_notice, name="messaging-read"),
    path("<int:notice_id>/unread/", views.unread_notice, name="messaging-unread"),
    path("<int:notice_id>/", views.open_notice, name="messaging-open"),
]
