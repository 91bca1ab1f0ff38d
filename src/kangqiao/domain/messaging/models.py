"""Notices to a seat or to one person, and what of them goes out to a person by another way."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base import wechat
from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, ME, ROLE, Rows
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging.states import DELIVERY
from kangqiao.kernel.states import State

TO_ME = (
    f"user_id = {ME} OR (user_id IS NULL AND organization_id = {HOUSE}"
    f" AND (role = {ROLE} OR (role = '' AND {ROLE} <> '{Role.RESIDENT}')))"
)
# One's own, and for the system administrator those of the houses of the place.
_KEPT_HOUSES = (
    "SELECT o.id FROM institutions_organization o WHERE o.place_id = ANY ((SELECT kangqiao_places())::bigint[])"
)
DELIVERED = f"user_id = {ME} OR ({ROLE} = '{Role.SYSTEM_ADMIN}' AND organization_id IN ({_KEPT_HOUSES}))"


class Notice(BaseModel):
    """One message to everybody in a role at an organisation, or to one person (FHIR Communication)."""

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(max_length=24, choices=Role, blank=True)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    clause = models.CharField(max_length=30, blank=True)
    # One notice per cause: the job that finds a shortfall again does not tell it again.
    cause = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(organization__isnull=False), name="notice_has_addressee"
            ),
        )
        indexes = (models.Index(fields=("organization", "role", "read_at"), name="notice_inbox"),)
        ordering = ("-created_at", "-id")

    class Privacy:
        rows = Rows("to oneself, or to the seat one sits at", TO_ME)
        identifying = ("user", "read_by")
        clinical = ("subject", "body")
        operational = ("organization", "role", "kind", "url", "clause", "cause", "created_at", "read_at")


class Channel(models.TextChoices):
    """A way out of the product to a person; the inbox is there always."""

    SMS = "sms", _("短信")
    WECHAT = "wechat", _("微信")


class ChannelChoice(BaseModel):
    """Whether a person wants to be told by a channel too; nobody is asked outside who did not say so (PIPL 13, 14)."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=12, choices=Channel)
    is_on = models.BooleanField(default=False)
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "channel"), name="channel_choice_once"),)
        ordering = ("user", "channel")

    class Privacy:
        rows = Rows("one's own", f"user_id = {ME}")
        identifying = ("user",)
        clinical = ()
        operational = ("channel", "is_on", "chosen_at")


def new_key() -> str:
    """What a carrier knows a message by: the same however often it is handed over, and never another's."""
    return secrets.token_urlsafe(18)


class Delivery(BaseModel):
    """A notice on its way to a person by one channel, written with the notice (FHIR Communication, delivery).

    It holds neither address nor words: both are looked up when it goes out. `organization` is the house in whose name
    it is sent; `due_at` is when something is to be done with it next, nothing any more where it is empty.
    """

    class Failure(models.TextChoices):
        """Why a message was given up."""

        NO_NUMBER = "no_number", _("档案里没有手机号")
        UNLINKED = "unlinked", _("本人没有关联微信")
        SWITCHED_OFF = "switched_off", _("本人关了这种提醒")
        TOO_LATE = "too_late", _("要说的就诊已经过了时间")
        INVENTED = "invented", _("演示人物的号码和微信是虚构的，不外发")
        NO_POLICY = "no_policy", _("所在地没有发送时间的设定")
        REFUSED = "refused", _("对方不收，或报告没送到")
        UNREACHED = "unreached", _("对方一直没有应答")

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="deliveries")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=12, choices=Channel)
    status = models.CharField(max_length=12, choices=DELIVERY.choices(), default=DELIVERY.initial)
    key = models.CharField(max_length=40, unique=True, default=new_key)
    tries = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=120, blank=True)
    failure = models.CharField(max_length=16, choices=Failure, blank=True)
    # What the carrier said when it did not take it.
    answer = models.CharField(max_length=200, blank=True)
    visit_at = models.DateTimeField(null=True, blank=True)
    visit_place = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("notice", "channel"), name="delivery_once"),
            models.CheckConstraint(
                condition=~Q(status="queued") | Q(due_at__isnull=False), name="delivery_queued_is_due"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("sent", "delivered")) | Q(sent_at__isnull=False), name="delivery_sent_has_time"
            ),
            models.CheckConstraint(
                condition=Q(status="failed", due_at__isnull=True) & ~Q(failure="")
                | ~Q(status="failed") & Q(failure=""),
                name="delivery_failed_says_why",
            ),
            models.CheckConstraint(
                condition=Q(visit_at__isnull=True, visit_place__isnull=True)
                | Q(visit_at__isnull=False, visit_place__isnull=False),
                name="delivery_visit_has_place",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(fields=("-queued_at",), name="delivery_latest"),
        )
        ordering = ("-queued_at", "-id")

    class Privacy:
        rows = Rows("one's own, and for the system administrator those of the houses of the place", DELIVERED)
        identifying = ("user",)
        clinical = ()
        operational = (
            "notice", "organization", "channel", "status", "key", "tries", "queued_at", "due_at", "sent_at", "receipt",
            "failure", "answer", "visit_at", "visit_place",
        )  # fmt: skip

    @property
    def state(self) -> State:
        """The state in words."""
        return DELIVERY.state(self.status)

    @property
    def why(self) -> str:
        """What the carrier said, and in our words what is to be done where WeChat's code says it."""
        code = self.answer.partition(" ")[0]
        known = wechat.NEVER.get(int(code)) if self.channel == Channel.WECHAT and code.isdecimal() else None
        return f"{self.answer} · {known}" if known else self.answer
