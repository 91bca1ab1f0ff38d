"""Addresses of this module."""

from django.urls import path

from kangqiao.domain.indicators import views

urlpatterns = [
    path("", views.board, name="indicators-list"),
    path("reports/<int:pk>/", views.report, name="indicators-report"),
    path("<slug:key>/", views.detail, name="indicators-detail"),
    path("<slug:key>/<int:organization_id>/", views.rows, name="indicators-rows"),
]
