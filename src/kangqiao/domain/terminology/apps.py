from django.apps import AppConfig


class TerminologyConfig(AppConfig):
    name = "kangqiao.domain.terminology"
    label = "terminology"
    verbose_name = "术语"
