"""Addresses of agreements."""

from django.urls import URLPattern, path

from kangqiao.domain.agreements import views

urlpatterns: list[URLPattern] = [
    path("", views.agreement_list, name="agreements-list"),
    path("new/", views.draft, name="agreements-draft"),
    path("<int:pk>/", views.detail, name="agreements-detail"),
    path("<int:pk>/paper/", views.paper, name="agreements-paper"),
    path("<int:pk>/step/", views.step, name="agreements-step"),
    path("<int:pk>/sign/", views.sign, name="agreements-sign"),
    path("<int:pk>/justify/", views.justify, name="agreements-justify"),
]
