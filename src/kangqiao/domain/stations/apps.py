from django.apps import AppConfig


class StationsConfig(AppConfig):
    name = "kangqiao.domain.stations"
    label = "stations"
    verbose_name = "社区卫生服务站"
