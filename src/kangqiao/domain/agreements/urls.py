"""Addresses of agreements."""

from django.urls import URLPattern, path

from kangqiao.domain.agreements import views

urlpatterns: list[URLPattern] = [
    path("<int:pk>/", views.detail, name="agreements-detail"),
]
