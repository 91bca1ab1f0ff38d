from django.apps import AppConfig


class FinanceConfig(AppConfig):
    name = "kangqiao.domain.finance"
    label = "finance"
    verbose_name = "经费"
