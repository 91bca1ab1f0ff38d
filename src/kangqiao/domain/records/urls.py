"""Addresses of records; they stand under the residents' addresses."""

from django.urls import URLPattern, path

from kangqiao.domain.records import views

urlpatterns: list[URLPattern] = [
    path("record/", views.mine, name="records-mine"),
    path("<int:resident_id>/identifier/", views.identifier, name="records-identifier"),
    path("<int:resident_id>/keep/", views.keep, name="records-keep"),
    path("documents/<int:document_id>/", views.document, name="records-document"),
    path("immunizations/<int:immunization_id>/", views.immunization, name="records-immunization"),
    path("values/<int:observation_id>/", views.value, name="records-value"),
]
