from django.apps import AppConfig


class EducationConfig(AppConfig):
    name = "kangqiao.domain.education"
    label = "education"
    verbose_name = "健康教育"
