from django.apps import AppConfig


class PublicationConfig(AppConfig):
    name = "kangqiao.domain.publication"
    label = "publication"
    verbose_name = "公示"
