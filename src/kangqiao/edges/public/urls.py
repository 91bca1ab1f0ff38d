"""Addresses of the public site."""

from django.urls import path

from kangqiao.edges.public import views

urlpatterns = [
    path("", views.index, name="public-index"),
    path("<int:pk>/", views.publication, name="public-publication"),
    path("<int:pk>.json", views.file_json, name="public-file"),
    path("<int:pk>.xlsx", views.file_sheet, name="public-sheet"),
]
