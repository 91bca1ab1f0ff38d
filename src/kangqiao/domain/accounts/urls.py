"""Addresses of accounts."""

from django.urls import URLPattern, path

from kangqiao.domain.accounts.views import door, proving, second, switches

urlpatterns: list[URLPattern] = [
    path("sign-in/", door.sign_in, name="sign-in"),
    path("sign-in/demo/", door.demo_sign_in, name="accounts-demo"),
    path("sign-in/second/", second.second_step, name="accounts-second"),
    path("sign-in/password/", second.first_password, name="accounts-first-password"),
    path("sign-in/app/", second.add_app, name="accounts-add-app"),
    path("sign-in/app/picture.svg", second.app_picture, name="accounts-app-picture"),
    path("sign-in/key/", second.add_key, name="accounts-add-key"),
    path("sign-in/prove/", proving.prove, name="accounts-prove"),
    path("sign-out/", door.sign_out, name="sign-out"),
    path("seat/", switches.switch_seat, name="accounts-seat"),
    path("language/", switches.switch_language, name="set_language"),
    path("mode/", switches.display, name="accounts-mode"),
]
