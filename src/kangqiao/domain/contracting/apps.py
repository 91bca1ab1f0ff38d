from django.apps import AppConfig


class ContractingConfig(AppConfig):
    name = "kangqiao.domain.contracting"
    label = "contracting"
    verbose_name = "签约"
