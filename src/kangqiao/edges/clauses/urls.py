"""Addresses of the clauses."""

from django.urls import path

from kangqiao.edges.clauses import views

urlpatterns = [
    path("", views.clause_list, name="clauses-list"),
    path("export/", views.export, name="clauses-export"),
    path("<str:clause_id>/", views.detail, name="clauses-detail"),
]
