"""Addresses of papers."""

from django.urls import URLPattern, path

from kangqiao.edges.papers import views

urlpatterns: list[URLPattern] = [
    path("verify/<str:mark>/", views.verify, name="papers-verify"),
    path("papers/templates/", views.templates, name="papers-templates"),
    path("papers/templates/<slug:paper>/", views.upload, name="papers-upload"),
    path("papers/templates/<slug:paper>/file.docx", views.template_file, name="papers-template"),
    path("papers/templates/<slug:paper>/revert/", views.revert, name="papers-revert"),
    path("papers/referrals/<int:referral_id>/", views.referral, name="papers-referral"),
    path("papers/agreements/<int:pk>/", views.agreement, name="papers-agreement"),
    path("papers/contracts/<int:contract_id>/", views.contract, name="papers-contract"),
    path("papers/settlements/<int:pk>/", views.settlement, name="papers-settlement"),
    path("papers/publications/<int:pk>/", views.publication, name="papers-publication"),
    path("papers/<int:paper_id>/file.docx", views.file, name="papers-file"),
]
