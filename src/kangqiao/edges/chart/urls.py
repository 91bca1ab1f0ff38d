"""Addresses of the resident's page; they stand under the residents' addresses."""

from django.urls import URLPattern, path

from kangqiao.edges.chart import views

urlpatterns: list[URLPattern] = [
    path("<int:resident_id>/", views.resident, name="records-resident"),
    path("<int:resident_id>/visit/", views.visit, name="records-visit"),
    path("<int:resident_id>/immunizations/", views.immunizations, name="records-immunizations"),
    path("<int:resident_id>/death/", views.death, name="records-death"),
]
