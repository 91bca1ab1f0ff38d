"""Address of a team's month; it stands under the team's."""

from django.urls import URLPattern, path

from kangqiao.edges.team_month import views

urlpatterns: list[URLPattern] = [path("teams/<int:team_id>/month/", views.month, name="contracting-month")]
