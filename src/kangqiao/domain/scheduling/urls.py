"""Addresses of scheduling."""

from django.urls import path

from kangqiao.domain.scheduling.views import absences, booking, pools, scanning, waiting

urlpatterns = [
    path("pools/", pools.own, name="slots-pools"),
    path("pools/<int:hospital_id>/", pools.pools, name="slots-pools-of"),
    path("pools/<int:hospital_id>/share/", pools.share, name="slots-share"),
    path("", booking.find, name="slots-find"),
    path("mine/", booking.mine, name="slots-mine"),
    path("day/", booking.day, name="slots-day"),
    path("scan/", scanning.scan, name="slots-scan"),
    path("experts/<int:practitioner_id>/", booking.expert, name="slots-expert"),
    path("sessions/<int:session_id>/", booking.session, name="slots-session"),
    path("absences/", absences.absences, name="slots-absences"),
    path("bookings/<int:booking_id>/appeal/", absences.appeal, name="slots-appeal"),
    path("appeals/", absences.appeals, name="slots-appeals"),
    path("appeals/<int:appeal_id>/", absences.decide, name="slots-appeal-decide"),
    path("waits/", waiting.waits, name="slots-waits"),
    path("waits/<int:waiting_id>/", waiting.step, name="slots-wait-step"),
    path("sessions/<int:session_id>/wait/", waiting.join, name="slots-wait"),
    path("<int:slot_id>/", booking.confirm, name="slots-confirm"),
    path("<int:slot_id>/hold/", booking.hold, name="slots-hold"),
    path("<int:slot_id>/release/", booking.release, name="slots-release"),
    path("<int:slot_id>/book/", booking.book, name="slots-book"),
    path("bookings/<int:booking_id>/", booking.booking, name="slots-booking"),
    path("bookings/<int:booking_id>/move/", booking.move, name="slots-move"),
    path("bookings/<int:booking_id>/cancel/", booking.cancel, name="slots-cancel"),
    path("bookings/<int:booking_id>/step/", booking.step, name="slots-step"),
    path("bookings/<int:booking_id>/visit/", booking.visit, name="slots-visit"),
]
