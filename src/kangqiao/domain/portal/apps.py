from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "kangqiao.domain.portal"
    label = "portal"
    verbose_name = "居民服务"
