from django.apps import AppConfig


class ResidentsConfig(AppConfig):
    name = "kangqiao.domain.residents"
    label = "residents"
    verbose_name = "居民"
