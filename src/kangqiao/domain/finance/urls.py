"""Addresses of finance."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
