"""Addresses of the audit."""

from django.urls import URLPattern, path

from kangqiao.edges.audit import views

urlpatterns: list[URLPattern] = [
    path("audit/", views.index, name="audit"),
    path("audit/<int:chain>.chain.ndjson", views.export, {"form": "chain"}, name="audit-export"),
    path("audit/<int:chain>.fhir.ndjson", views.export, {"form": "fhir"}, name="audit-fhir"),
    path("public/audit/", views.heads, name="audit-heads"),
    path("public/audit/heads.json", views.heads_file, name="audit-heads-file"),
]
