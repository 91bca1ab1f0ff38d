"""The address of closing, beside those of the appraisals."""

from django.urls import path

from kangqiao.edges.closing import views

urlpatterns = [path("<int:pk>/close/", views.close, name="appraisal-close")]
