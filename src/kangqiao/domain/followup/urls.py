"""Addresses of assessments, plans, surveys, invitations and groups."""

from django.urls import URLPattern, path

from kangqiao.domain.followup import views

urlpatterns: list[URLPattern] = [
    path("", views.desk, name="followup-desk"),
    path("mine/", views.mine, name="followup-mine"),
    path("channels/", views.channels, name="followup-channels"),
    path("channels/new/", views.new_channel, name="followup-channel-new"),
    path("channels/<int:channel_id>/", views.count, name="followup-channel"),
    path("again/", views.again, name="followup-again"),
    path("of/<int:resident_id>/", views.plan, name="followup-plan"),
    path("items/<int:item_id>/done/", views.done, name="followup-done"),
    path("tasks/<int:task_id>/", views.task, name="followup-task"),
    path("surveys/", views.surveys, name="followup-surveys"),
    path("surveys/<int:survey_id>/", views.survey, name="followup-survey"),
    path("surveys/<int:survey_id>/answer/", views.answer, name="followup-survey-answer"),
    path("invite/<int:team_id>/<int:resident_id>/", views.invite, name="followup-invite"),
]
