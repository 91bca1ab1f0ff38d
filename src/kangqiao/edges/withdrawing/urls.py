"""Addresses of withdrawal and substitution, beside those of scheduling."""

from django.urls import path

from kangqiao.edges.withdrawing import views

urlpatterns = [
    path("sessions/<int:session_id>/withdraw/", views.withdraw, name="slots-withdraw"),
    path("sessions/<int:session_id>/substitute/", views.substitute, name="slots-substitute"),
    path("displaced/", views.displaced, name="slots-displaced"),
    path("displaced/<int:displaced_id>/", views.displaced_of, name="slots-displaced-of"),
]
