"""Addresses of single sign-on; without a provider they answer 404."""

from django.urls import URLPattern, path

from kangqiao.edges.single_sign_on import views

urlpatterns: list[URLPattern] = [
    path("sign-in/sso/", views.start, name="sso-start"),
    path("sign-in/sso/back/", views.back, name="sso-back"),
    path("own/sso/", views.bind, name="sso-bind"),
    path("own/sso/<int:identity_id>/end/", views.unbind, name="sso-unbind"),
]
