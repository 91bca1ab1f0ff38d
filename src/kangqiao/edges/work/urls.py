"""Addresses of long work."""

from django.urls import URLPattern, path

from kangqiao.edges.work import views

urlpatterns: list[URLPattern] = [
    path("", views.index, name="work-index"),
    path("anew/", views.anew, name="work-anew"),
    path("<int:job_id>/", views.bar, name="work-bar"),
    path("<int:job_id>/result/", views.result, name="work-result"),
]
