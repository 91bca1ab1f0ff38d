"""Addresses of samples."""

from django.urls import URLPattern, path

from kangqiao.domain.quality import views

urlpatterns: list[URLPattern] = [
    path("", views.index, name="quality-list"),
    path("new/", views.new, name="quality-new"),
    path("<int:sampling_id>/", views.sampling, name="quality-sampling"),
    path("items/<int:sampled_item_id>/", views.item, name="quality-item"),
    path("items/<int:sampled_item_id>/check/", views.check, name="quality-check"),
    path("items/<int:sampled_item_id>/step/", views.step, name="quality-step"),
    path("items/<int:sampled_item_id>/contact/", views.contact, name="quality-contact"),
]
