"""Addresses of institutions."""

from django.urls import URLPattern, path

from kangqiao.domain.institutions import views

urlpatterns: list[URLPattern] = [
    path("", views.network, name="institutions-network"),
    path("list/", views.read_list, name="institutions-read"),
    path("list/empty.xlsx", views.empty_list, name="institutions-empty"),
    path("<int:hospital_id>/guidance-office/", views.register_office, name="institutions-office"),
]
