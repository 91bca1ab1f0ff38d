"""Addresses of institutions."""

from django.urls import URLPattern, path

from kangqiao.domain.institutions import views

urlpatterns: list[URLPattern] = [
    path("", views.network, name="institutions-network"),
    path("<int:hospital_id>/guidance-office/", views.register_office, name="institutions-office"),
]
