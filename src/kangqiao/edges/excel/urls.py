"""Addresses of imports."""

from django.urls import URLPattern, path

from kangqiao.edges.excel import views

urlpatterns: list[URLPattern] = [
    path("", views.index, name="imports-index"),
    path("batch/<int:batch_id>/", views.batch, name="imports-batch"),
    path("batch/<int:batch_id>/rows/<int:row_id>/", views.mend, name="imports-mend"),
    path("batch/<int:batch_id>/enter/", views.enter, name="imports-enter"),
    path("batch/<int:batch_id>/undo/", views.undo, name="imports-undo"),
    path("batch/<int:batch_id>/drop/", views.drop, name="imports-drop"),
    path("batch/<int:batch_id>/sheet.xlsx", views.sheet, name="imports-sheet"),
    path("<slug:kind>/", views.upload, name="imports-upload"),
    path("<slug:kind>/empty.xlsx", views.empty, name="imports-empty"),
]
