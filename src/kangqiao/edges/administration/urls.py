"""Addresses of the administrators."""

from django.urls import URLPattern, path

from kangqiao.edges.administration import views

urlpatterns: list[URLPattern] = [
    path("", views.people, name="people-list"),
    path("new/", views.open_account, name="people-new"),
    path("<int:user_id>/", views.person, name="people-detail"),
    path("<int:user_id>/step/", views.step, name="people-step"),
    path("<int:user_id>/password/", views.first_password, name="people-password"),
    path("<int:user_id>/role/", views.propose, name="people-role"),
    path("memberships/<int:membership_id>/end/", views.end_role, name="people-end-role"),
    path("role-changes/", views.role_changes, name="people-role-changes"),
    path("role-changes/<int:role_change_id>/", views.decide, name="people-decide"),
]
