"""The address of the health report."""

from django.urls import path

from kangqiao.edges.health import views

urlpatterns = [path("healthz", views.healthz, name="healthz")]
