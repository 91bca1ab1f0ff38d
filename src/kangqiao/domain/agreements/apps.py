from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    name = "kangqiao.domain.agreements"
    label = "agreements"
    verbose_name = "协议"
