from django.apps import AppConfig


class FollowupConfig(AppConfig):
    name = "kangqiao.domain.followup"
    label = "followup"
    verbose_name = "健康方案"
