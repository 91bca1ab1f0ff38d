"""Addresses of residents."""

from django.urls import URLPattern, path

from kangqiao.domain.residents import views

urlpatterns: list[URLPattern] = [
    path("", views.search, name="residents-search"),
    path("consents/", views.consents, name="residents-consents"),
    path("consents/decide/", views.decide, name="residents-decide"),
    path("consents/proxy/", views.proxy, name="residents-proxy"),
    path("consents/<int:consent_id>/withdraw/", views.withdraw, name="residents-withdraw"),
    path("reads/", views.looked, name="residents-reads"),
    path("reads/ask/", views.ask, name="residents-ask"),
    path("emergency/", views.emergency, name="residents-emergency"),
    path("oversight/", views.oversight, name="residents-oversight"),
    path("oversight/<int:emergency_id>/ask/", views.review, name="residents-review"),
    path("questions/<int:question_id>/", views.question, name="residents-question"),
    path("new/", views.register, name="residents-register"),
    path("<int:resident_id>/merge/", views.merge, name="residents-merge"),
    path("<int:resident_id>/guardian/", views.guardian, name="residents-guardian"),
]
