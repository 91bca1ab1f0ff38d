from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "kangqiao.domain.records"
    label = "records"
    verbose_name = "档案"
