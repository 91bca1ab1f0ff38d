"""Addresses below /agreements/ that need more than the agreements."""

from django.urls import URLPattern, path

from kangqiao.edges.network import views

urlpatterns: list[URLPattern] = [
    path("network/", views.network, name="agreements-network"),
    path("<int:pk>/duties/", views.duties, name="agreements-duties"),
]
