"""Addresses of help, and of what makes the portal installable."""

from django.urls import path

from kangqiao.edges.help import views

urlpatterns = [
    path("help/", views.help_page, name="help"),
    path("help/tour/", views.tour, name="help-tour"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("offline/", views.offline, name="offline"),
    path("app.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.service_worker, name="service-worker"),
]
