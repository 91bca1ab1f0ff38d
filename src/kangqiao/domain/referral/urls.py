"""Addresses of referral."""

from django.urls import URLPattern, path

from kangqiao.domain.referral import views

urlpatterns: list[URLPattern] = [
    path("", views.index, name="referral-list"),
    path("desk/", views.desk, name="referral-desk"),
    path("new/", views.new, name="referral-new"),
    path("new/slots/", views.slots, name="referral-slots"),
    path("new/whole/", views.whole, name="referral-whole"),
    path("down/", views.down, name="referral-down"),
    path("mine/", views.mine, name="referral-mine"),
    path("<int:referral_id>/", views.detail, name="referral-detail"),
    path("<int:referral_id>/print/", views.sheet, name="referral-print"),
    path("<int:referral_id>/undo/", views.undo, name="referral-undo"),
    path("<int:referral_id>/<slug:action>/", views.step, name="referral-step"),
]
