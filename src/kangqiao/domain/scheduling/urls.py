"""Addresses of scheduling."""

from django.urls import path

from kangqiao.domain.scheduling import views

urlpatterns = [
    path("", views.find, name="slots-find"),
    path("mine/", views.mine, name="slots-mine"),
    path("day/", views.day, name="slots-day"),
    path("experts/<int:practitioner_id>/", views.expert, name="slots-expert"),
    path("sessions/<int:session_id>/", views.session, name="slots-session"),
    path("sessions/<int:session_id>/withdraw/", views.withdraw, name="slots-withdraw"),
    path("<int:slot_id>/", views.confirm, name="slots-confirm"),
    path("<int:slot_id>/hold/", views.hold, name="slots-hold"),
    path("<int:slot_id>/release/", views.release, name="slots-release"),
    path("<int:slot_id>/book/", views.book, name="slots-book"),
    path("bookings/<int:booking_id>/", views.booking, name="slots-booking"),
    path("bookings/<int:booking_id>/cancel/", views.cancel, name="slots-cancel"),
    path("bookings/<int:booking_id>/step/", views.step, name="slots-step"),
    path("bookings/<int:booking_id>/visit/", views.visit, name="slots-visit"),
]
