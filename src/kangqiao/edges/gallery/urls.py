"""Addresses of the gallery."""

from __future__ import annotations

from django.urls import path

from kangqiao.edges.gallery import views

app_name = "gallery"
urlpatterns = [path("", views.gallery, name="gallery")]
