"""The address of the search over everything."""

from django.urls import path

from kangqiao.edges.find import views

urlpatterns = [path("find/", views.find, name="find")]
