"""Addresses of accounts."""

from django.urls import URLPattern, path

from kangqiao.domain.accounts import views

urlpatterns: list[URLPattern] = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/demo/", views.demo_sign_in, name="accounts-demo"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("seat/", views.switch_seat, name="accounts-seat"),
    path("language/", views.switch_language, name="set_language"),
    path("mode/", views.switch_mode, name="accounts-mode"),
]
