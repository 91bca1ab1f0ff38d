"""Addresses of teams, packages and contracts."""

from django.urls import URLPattern, path

from kangqiao.domain.contracting.views import contracts, helping, packages, teams

urlpatterns: list[URLPattern] = [
    path("teams/", teams.index, name="contracting-teams"),
    path("teams/new/", teams.form_team, name="contracting-form-team"),
    path("teams/coverage/", teams.coverage, name="contracting-coverage"),
    path("teams/<int:team_id>/", teams.detail, name="contracting-team"),
    path("teams/<int:team_id>/step/", teams.step, name="contracting-team-step"),
    path("teams/<int:team_id>/members/", teams.add_member, name="contracting-member-add"),
    path("teams/<int:team_id>/helpers/", teams.add_helper, name="contracting-helper-add"),
    path("teams/<int:team_id>/zones/", teams.add_zone, name="contracting-zone-add"),
    path("teams/<int:team_id>/duties/", teams.duty, name="contracting-duty"),
    path("teams/<int:team_id>/unserved/", teams.unserved, name="contracting-unserved"),
    path("teams/<int:team_id>/campaign/", teams.campaign, name="contracting-campaign"),
    path("teams/members/<int:member_id>/end/", teams.end_member, name="contracting-member-end"),
    path("teams/helpers/<int:helper_id>/end/", teams.end_helper, name="contracting-helper-end"),
    path("teams/zones/<int:zone_id>/drop/", teams.drop_zone, name="contracting-zone-drop"),
    path("packages/", packages.index, name="contracting-packages"),
    path("packages/adopt/", packages.adopt, name="contracting-adopt"),
    path("packages/new/", packages.new, name="contracting-package-new"),
    path("packages/<int:package_id>/end/", packages.end, name="contracting-package-end"),
    path("helping/", helping.helped, name="contracting-helped"),
    path("helping/<int:resident_id>/", helping.person, name="contracting-helped-person"),
    path("visits/", helping.visits, name="contracting-visits"),
    path("visits/new/<int:contract_id>/", helping.new_visit, name="contracting-visit-new"),
    path("visits/<int:visit_id>/step/", helping.step, name="contracting-visit-step"),
    path("contracts/", contracts.desk, name="contracting-desk"),
    path("contracts/new/", contracts.new, name="contracting-new"),
    path("contracts/mine/", contracts.mine, name="contracting-mine"),
    path("contracts/apply/", contracts.apply, name="contracting-apply"),
    path("contracts/of/<int:resident_id>/", contracts.of_resident, name="contracting-of"),
    path("contracts/of/<int:resident_id>/groups/", contracts.groups, name="contracting-groups"),
    path("contracts/<int:contract_id>/", contracts.detail, name="contracting-detail"),
    path("contracts/<int:contract_id>/<slug:action>/", contracts.step, name="contracting-step"),
]
