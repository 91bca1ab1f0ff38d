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
from kangqiao.domain.institutions.models import Organization


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
    Role.BUREAU_OFFICER: _("看全区协议、履约和指标，打考核分，审公示，算经费。"),
    Role.FINANCE_OFFICER: _("核每一笔补助：公式、数据、条款都能点开，考核结束才拨付。"),
    Role.INSURER: _("对账和抽查。"),
    Role.SYSTEM_ADMIN: _("开停账号，提出岗位变动；看不到居民档案，也看不到审计。"),
    Role.SECURITY_ADMIN: _("审核岗位变动，解锁账号，让人退出登录，看紧急查看和居民的疑问；看不到居民档案。"),
    Role.AUDIT_ADMIN: _("只看审计：谁在什么时候做了什么；不能改任何东西，看不到居民档案。"),
}
# 三员: nobody is two of them at a time (GB/T 22239-2019, separation of system, security and audit management).
ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)


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
    elder_mode = models.BooleanField(default=False)

    objects: ClassVar[BaseUserManager[User]] = BaseUserManager()  # type: ignore[assignment]

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Privacy:
        identifying = ("username", "name")
        clinical = ()
        operational = ("password", "last_login", "is_active", "is_demo", "language", "elder_mode")

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
        identifying = ("user",)
        clinical = ()
        operational = ("organization", "role", "since", "until")
