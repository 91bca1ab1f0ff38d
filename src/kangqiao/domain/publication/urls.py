"""Addresses of this module; what the public reads lies in `edges.public`."""

from django.urls import path

from kangqiao.domain.publication import views

urlpatterns = [
    path("", views.publication_list, name="publication-list"),
    path("draft/", views.draft, name="publication-draft"),
    path("<int:pk>/", views.detail, name="publication-detail"),
    path("<int:pk>/step/", views.step, name="publication-step"),
]
