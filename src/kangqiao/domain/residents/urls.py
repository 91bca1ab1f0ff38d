"""Addresses of residents."""

from django.urls import URLPattern, path

from kangqiao.domain.residents import views

urlpatterns: list[URLPattern] = [path("", views.search, name="residents-search")]
