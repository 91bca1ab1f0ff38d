"""Addresses of what a centre offers, questions and ratings."""

from django.urls import URLPattern, path

from kangqiao.domain.portal import views

urlpatterns: list[URLPattern] = [
    path("", views.desk, name="portal-desk"),
    path("mine/", views.mine, name="portal-mine"),
    path("ratings/", views.ratings, name="portal-ratings"),
    path("rate/<int:service_id>/", views.rate, name="portal-rate"),
    path("centre/", views.centre, name="portal-centre"),
    path("services/", views.services, name="portal-services"),
    path("services/<int:offer_id>/", views.service, name="portal-service"),
    path("<int:enquiry_id>/", views.enquiry, name="portal-enquiry"),
    path("<int:enquiry_id>/hand-over/", views.hand_over, name="portal-hand-over"),
    path("<int:enquiry_id>/close/", views.close, name="portal-close"),
]
