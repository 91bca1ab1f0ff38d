from django.apps import AppConfig


class RosterConfig(AppConfig):
    name = "kangqiao.domain.roster"
    label = "roster"
    verbose_name = "排班"
