"""Addresses of one's own sign-ins."""

from django.urls import URLPattern, path

from kangqiao.edges.own import notices, views

urlpatterns: list[URLPattern] = [
    path("sign-ins/", views.sign_ins, name="own-sign-ins"),
    path("sign-ins/<int:sign_in_id>/end/", views.end_one, name="own-end-one"),
    path("sign-ins/end/", views.end_everywhere, name="own-end-everywhere"),
    path("factors/<int:factor_id>/remove/", views.remove_factor, name="own-remove-factor"),
    path("recovery-codes/", views.recovery_codes, name="own-recovery-codes"),
    path("notices/", notices.notices, name="own-notices"),
    path("password/", views.password, name="own-password"),
]
