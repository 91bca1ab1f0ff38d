"""Addresses of health education."""

from django.urls import URLPattern, path

from kangqiao.domain.education import views

urlpatterns: list[URLPattern] = [
    path("", views.desk, name="education-desk"),
    path("new/", views.write, name="education-new"),
    path("<int:material_id>/", views.material, name="education-material"),
    path("<int:material_id>/retire/", views.retire, name="education-retire"),
    path("<int:material_id>/resume/", views.resume, name="education-resume"),
    path("mine/", views.mine, name="education-mine"),
    path("mine/<int:sending_id>/", views.read, name="education-read"),
]
