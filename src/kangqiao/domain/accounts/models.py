"""Users, roles and memberships."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import ME, ROLE, Rows
from kangqiao.domain.accounts.states import ROLE_CHANGE
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.states import State


class Role(models.TextChoices):
    """The fixed roles; there is no permission editor."""

    RESIDENT = "resident", _("居民")
    GP = "gp", _("家庭医生")
    EXPERT = "expert", _("专家")
    CENTRE_MANAGER = "centre_manager", _("中心主任")
    REFERRAL_DESK = "referral_desk", _("转诊专员")
    GUIDANCE_OFFICE = "guidance_office", _("社区指导科")
    DISPATCHER = "dispatcher", _("排班员")
    HOSPITAL_DIRECTOR = "hospital_director", _("医院院长")
    PHARMACIST = "pharmacist", _("药师")
    HELPER = "helper", _("团队协助人员")
    SCHOOL_HEALTH = "school_health", _("校医或保健老师")
    BUREAU_OFFICER = "bureau_officer", _("卫生局科员")
    FINANCE_OFFICER = "finance_officer", _("财政科员")
    INSURER = "insurer", _("医保经办")
    SYSTEM_ADMIN = "system_admin", _("系统管理员")
    SECURITY_ADMIN = "security_admin", _("安全管理员")
    AUDIT_ADMIN = "audit_admin", _("审计管理员")


ROLE_DESCRIPTIONS = {
    Role.RESIDENT: _("约专家号，看自己的转诊走到哪一步，看谁看过自己的档案。"),
    Role.GP: _("在社区接诊，替居民约专家号，需要时转到医院，接回医院转下来的人。"),
    Role.EXPERT: _("医院派到社区的专家：看本周在哪个中心、哪半天坐诊，接诊，写小结。"),
    Role.CENTRE_MANAGER: _("管社区中心：签协议，确认专家到岗，看本中心的号源和转诊。"),
    Role.REFERRAL_DESK: _("在医院接社区转来的单子：接收并占号，或写明原因退回。"),
    Role.GUIDANCE_OFFICE: _("医院里管联建协管日常的科室：推荐专家，看派驻够不够，催下转。"),
    Role.DISPATCHER: _("给全市排专家下社区的班：看缺口和原因，调一格，发布。"),
    Role.HOSPITAL_DIRECTOR: _("代表医院签协议，批专家派驻，看本院履约和考核。"),
    Role.PHARMACIST: _("审社区处方，指导用药。"),
    Role.HELPER: _("帮家庭医生团队联系居民、上门看望：只看得到联系方式、预约和派给自己的上门，看不到病情。"),
    Role.SCHOOL_HEALTH: _("学生在学校出了急事，马上报给服务学校的社区中心，看处理到哪一步；看不到任何档案。"),
    Role.BUREAU_OFFICER: _("看全区协议、履约和指标，打考核分，审公示，算经费。"),
    Role.FINANCE_OFFICER: _("核每一笔补助：公式、数据、条款都能点开，考核结束才拨付。"),
    Role.INSURER: _("对账和抽查。"),
    Role.SYSTEM_ADMIN: _("开停账号，提出岗位变动；看不到居民档案，也看不到审计。"),
    Role.SECURITY_ADMIN: _("审核岗位变动，解锁账号，让人退出登录，看紧急查看和居民的疑问；看不到居民档案。"),
    Role.AUDIT_ADMIN: _("只看审计：谁在什么时候做了什么；不能改任何东西，看不到居民档案。"),
}
# 三员: nobody is two of them at a time (GB/T 22239-2019, separation of system, security and audit management).
ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)

# Conditions on rows: whoever works here; oneself and whose accounts one keeps.
STAFF = f"{ROLE} NOT IN ('', '{Role.RESIDENT}')"
KEPT = f"user_id = {ME} OR kangqiao_keeps(user_id)"


class Term(Func):
    """The half-open range of days of two columns, as the database compares it."""

    function = "DATERANGE"
    output_field = DateRangeField()


class User(AbstractBaseUser, BaseModel):
    """A person who may sign in. What they may do comes from the memberships, never from the user row."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="zh-hans")
    # As `base.pages.Display` writes it; empty while the person has chosen nothing.
    display = models.CharField(max_length=40, blank=True)
    # Given by the system administrator; good for one sign-in, which begins with a password of one's own.
    has_temporary_password = models.BooleanField(default=False)

    objects: ClassVar[BaseUserManager[User]] = BaseUserManager()  # type: ignore[assignment]

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Privacy:
        rows = Rows("oneself, whoever works here, and whose accounts one keeps", "kangqiao_knows(id)")
        identifying = ("username", "name")
        clinical = ()
        operational = (
            "password", "last_login", "is_active", "is_demo", "language", "display", "has_temporary_password",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.name


class Membership(BaseModel):
    """A user's role at an organisation from a day to a day (FHIR PractitionerRole)."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    role = models.CharField(max_length=24, choices=Role)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "organization", "role", "since"), name="membership_once"),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="membership_term"),
            ExclusionConstraint(
                name="membership_one_administrator",
                expressions=(
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.NOT_EQUAL),
                    (Term("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
                condition=Q(role__in=ADMINISTRATORS),
            ),
        )
        ordering = ("user", "since", "id")

    class Privacy:
        rows = Rows("the seats of whom one knows", "kangqiao_knows(user_id)")
        identifying = ("user",)
        clinical = ()
        operational = ("organization", "role", "since", "until")


class RoleChange(BaseModel):
    """A role somebody shall get: proposed by the system administrator, in force once the security one agrees."""

    user = models.ForeignKey(User, models.PROTECT, related_name="role_changes")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    role = models.CharField(max_length=24, choices=Role)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=ROLE_CHANGE.choices(), default=ROLE_CHANGE.initial)
    proposed_by = models.CharField(max_length=64)
    proposed_at = models.DateTimeField()
    membership = models.OneToOneField(Membership, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("user", "organization", "role"), condition=Q(status="proposed"), name="role_change_open_once"
            ),
            models.CheckConstraint(
                condition=Q(status="approved", membership__isnull=False)
                | (~Q(status="approved") & Q(membership__isnull=True)),
                name="role_change_approved_has_membership",
            ),
        )
        ordering = ("-proposed_at", "-id")

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user",)
        clinical = ()
        operational = (
            "organization", "role", "since", "until", "status", "proposed_by", "proposed_at", "membership",
        )  # fmt: skip

    @property
    def state(self) -> State:
        """The state in words."""
        return ROLE_CHANGE.state(self.status)


class SignIn(BaseModel):
    """One time somebody came in, on which device, until they left or were made to leave."""

    user = models.ForeignKey(User, models.PROTECT, related_name="sign_ins")
    # Names the browser's session while it lasts; emptied when it ends, so that it opens nothing afterwards.
    session_key = models.CharField(max_length=40, blank=True, db_index=True)
    way = models.CharField(max_length=16)
    device = models.CharField(max_length=80, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=24, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(session_key=""), name="sign_in_ended_opens_nothing"
            ),
        )
        ordering = ("-started_at", "-id")

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user", "device", "address")
        clinical = ()
        operational = ("session_key", "way", "started_at", "ended_at", "ended_why")


class SecondFactor(BaseModel):
    """What somebody has besides the password: an app that shows codes, or a security key."""

    class Kind(models.TextChoices):
        TOTP = "totp", _("验证器应用")
        KEY = "key", _("安全密钥")

    user = models.ForeignKey(User, models.PROTECT, related_name="second_factors")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=40)
    # The shared secret of an app, sealed (`base.sealed`); empty for a key, which keeps its secret itself.
    sealed_secret = models.BinaryField(default=b"")
    # The time step of the last code taken (RFC 6238): a code is good once.
    last_step = models.BigIntegerField(default=0)
    # Of a key: what it answers with (WebAuthn attested credential data), for which host, and how often it has signed.
    credential = models.BinaryField(default=b"")
    host = models.CharField(max_length=253, blank=True)
    signatures = models.BigIntegerField(default=0)
    added_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=(Q(kind="totp") & ~Q(sealed_secret=b"") & Q(credential=b""))
                | (Q(kind="key") & Q(sealed_secret=b"") & ~Q(credential=b"")),
                name="second_factor_has_its_kind",
            ),
            models.UniqueConstraint(
                fields=("user", "credential"), condition=Q(kind="key"), name="second_factor_key_once"
            ),
        )
        ordering = ("added_at", "id")

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user",)
        clinical = ()
        operational = (
            "kind", "name", "sealed_secret", "last_step", "credential", "host", "signatures", "added_at", "used_at",
        )  # fmt: skip


class RecoveryCode(BaseModel):
    """One code on paper that comes in once when the second factor is lost; only its digest is kept."""

    user = models.ForeignKey(User, models.PROTECT, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user",)
        clinical = ()
        operational = ("digest", "used_at")


class FailureCount(BaseModel):
    """How often proving who one is failed lately, for an account, an address, or an account from an address."""

    scope = models.CharField(max_length=16)
    # A digest of what is counted: what was typed as a name may be a password, and need not be an account.
    key = models.CharField(max_length=64)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    failures = models.PositiveIntegerField()
    since = models.DateTimeField()
    blocks = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("scope", "key"), name="failure_count_once"),)
        ordering = ("-since", "id")

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user",)
        clinical = ()
        operational = ("scope", "key", "failures", "since", "blocks", "blocked_until")


class OutsideIdentity(BaseModel):
    """The verified id a person has with a single sign-on service or WeChat; nobody is matched by name or e-mail."""

    user = models.ForeignKey(User, models.PROTECT, related_name="outside_identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    bound_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("issuer", "subject"), name="outside_identity_one_person"),
            models.UniqueConstraint(fields=("user", "issuer"), name="outside_identity_one_subject"),
        )
        ordering = ("bound_at", "id")

    class Privacy:
        rows = Rows("one's own, and those of whose accounts one keeps", KEPT)
        identifying = ("user", "subject")
        clinical = ()
        operational = ("issuer", "bound_at")
