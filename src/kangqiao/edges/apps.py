from django.apps import AppConfig


class EdgesConfig(AppConfig):
    name = "kangqiao.edges"
    label = "edges"
    verbose_name = "界面"
