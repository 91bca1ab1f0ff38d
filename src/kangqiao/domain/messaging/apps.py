from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "kangqiao.domain.messaging"
    label = "messaging"
    verbose_name = "消息"
