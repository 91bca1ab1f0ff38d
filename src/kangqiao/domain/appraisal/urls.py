"""Addresses of this module; closing, which releases money, lies in `edges.closing`."""

from django.urls import path

from kangqiao.domain.appraisal import views

urlpatterns = [
    path("", views.appraisal_list, name="appraisal-list"),
    path("open/", views.open_year, name="appraisal-open"),
    path("<int:pk>/", views.detail, name="appraisal-detail"),
    path("<int:pk>/score/", views.score, name="appraisal-score"),
]
