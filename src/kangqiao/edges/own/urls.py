"""Addresses of one's own sign-ins, and of how one wants to be told."""

from django.urls import URLPattern, path

from kangqiao.edges.own import notices, views, wechat

urlpatterns: list[URLPattern] = [
    path("sign-ins/", views.sign_ins, name="own-sign-ins"),
    path("sign-ins/<int:sign_in_id>/end/", views.end_one, name="own-end-one"),
    path("sign-ins/end/", views.end_everywhere, name="own-end-everywhere"),
    path("factors/<int:factor_id>/remove/", views.remove_factor, name="own-remove-factor"),
    path("recovery-codes/", views.recovery_codes, name="own-recovery-codes"),
    path("notices/", notices.notices, name="own-notices"),
    path("wechat/", wechat.start, name="own-wechat"),
    path("wechat/back/", wechat.back, name="own-wechat-back"),
    path("wechat/unlink/", wechat.unlink, name="own-wechat-unlink"),
    path("password/", views.password, name="own-password"),
]
