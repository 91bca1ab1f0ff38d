"""The address of what is kept about oneself."""

from django.urls import URLPattern, path

from kangqiao.edges.mydata import views

urlpatterns: list[URLPattern] = [path("my-data/", views.mine, name="mydata")]
