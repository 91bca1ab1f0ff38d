"""Addresses of scheduling."""

from django.urls import path

from kangqiao.domain.scheduling.views import absences, booking, calendar, pools, scanning, waiting, weekly

urlpatterns = [
    path("pools/", pools.own, name="slots-pools"),
    path("pools/<int:hospital_id>/", pools.pools, name="slots-pools-of"),
    path("pools/<int:hospital_id>/share/", pools.share, name="slots-share"),
    path("templates/", weekly.own, name="slots-templates"),
    path("templates/at/<int:hospital_id>/", weekly.templates, name="slots-templates-of"),
    path("templates/at/<int:hospital_id>/new/", weekly.new, name="slots-template-new"),
    path("templates/at/<int:hospital_id>/opening/", weekly.opening, name="slots-opening"),
    path("templates/<int:template_id>/", weekly.template, name="slots-template"),
    path("templates/<int:template_id>/end/", weekly.end, name="slots-template-end"),
    path("templates/<int:template_id>/except/", weekly.except_day, name="slots-template-except"),
    path("templates/<int:template_id>/restore/", weekly.restore, name="slots-template-restore"),
    path("calendar/", calendar.year, name="slots-calendar"),
    path("calendar/day/", calendar.day, name="slots-calendar-day"),
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
