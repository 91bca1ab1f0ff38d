from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "kangqiao.domain.workforce"
    label = "workforce"
    verbose_name = "人员"
