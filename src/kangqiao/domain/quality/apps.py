from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "kangqiao.domain.quality"
    label = "quality"
    verbose_name = "社区卫生签约质控"
