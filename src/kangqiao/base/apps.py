from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "kangqiao.base"
    label = "base"
    verbose_name = "基础"

    def ready(self) -> None:
        from kangqiao.base import checks  # noqa: F401  (registers the start-up checks)
