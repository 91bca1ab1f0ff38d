"""Addresses of this module."""

from django.urls import path

from kangqiao.domain.finance import views

urlpatterns = [
    path("", views.finance_list, name="finance-list"),
    path("compute/", views.compute, name="finance-compute"),
    path("inputs/", views.inputs, name="finance-inputs"),
    path("inputs/<int:pk>/verify/", views.verify, name="finance-verify"),
    path("<int:pk>/", views.settlement, name="finance-settlement"),
    path("<int:pk>/submit/", views.submit, name="finance-submit"),
    path("<int:pk>/pay/", views.pay, name="finance-pay"),
    path("lines/<int:pk>/", views.line, name="finance-line"),
]
