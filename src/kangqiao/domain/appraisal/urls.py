"""Addresses of appraisal."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
