from django.apps import AppConfig


class InstitutionsConfig(AppConfig):
    name = "kangqiao.domain.institutions"
    label = "institutions"
    verbose_name = "机构"
