from django.apps import AppConfig


class IndicatorsConfig(AppConfig):
    name = "kangqiao.domain.indicators"
    label = "indicators"
    verbose_name = "指标"
