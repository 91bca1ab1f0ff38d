from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "kangqiao.domain.scheduling"
    label = "scheduling"
    verbose_name = "号源"
