"""Addresses of records; they stand under the residents' addresses."""

from django.urls import URLPattern, path

from kangqiao.domain.records import views

urlpatterns: list[URLPattern] = [
    path("<int:resident_id>/", views.resident, name="records-resident"),
    path("<int:resident_id>/identifier/", views.identifier, name="records-identifier"),
    path("documents/<int:document_id>/", views.document, name="records-document"),
]
