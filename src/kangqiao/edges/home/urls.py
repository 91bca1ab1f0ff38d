"""The front door and the chain."""

from django.urls import path

from kangqiao.edges.home import views

urlpatterns = [
    path("", views.home, name="home"),
    path("chain/", views.chain, name="chain"),
    path("chain/<slug:kind>/<int:pk>/", views.follow, name="chain-follow"),
]
