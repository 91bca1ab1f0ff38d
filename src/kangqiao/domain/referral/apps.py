from django.apps import AppConfig


class ReferralConfig(AppConfig):
    name = "kangqiao.domain.referral"
    label = "referral"
    verbose_name = "转诊"
