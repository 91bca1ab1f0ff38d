"""The tour of each role: what its page is for, then every place of its rail in the order of the day's work.

Made from the rail itself, so that a new place is told about or fails its test.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.domain.accounts.models import ROLE_DESCRIPTIONS, Role
from kangqiao.edges.home.rail import RAILS, Entry

# What each place is good for: by the name of its address; the resident's own words come first.
PLACES: dict[str, Promise] = {
    "home": gettext_lazy("一天从这里开始：要办的事按急缓排好，每张卡上写着几件、最久等了多久。"),
    "residents-search": gettext_lazy("按姓名、拼音首字母、证件号后四位或电话找居民；只找得到您服务的人。"),
    "referral-list": gettext_lazy("每张转诊单走到哪一步、在等谁、还剩多久。"),
    "referral-desk": gettext_lazy("社区转来的单子：左边信，右边档案和为社区留的号；按 1 接收，按 2 退回并说明。"),
    "contracting-desk": gettext_lazy("谁申请签约、谁等着签署、谁快到期：接受以后名额就留好了。"),
    "contracting-teams": gettext_lazy("家庭医生团队的成员、片区和名额；签而不约和待签的重点人群从团队里看。"),
    "referral-school": gettext_lazy("学生出了急事从这里报给社区中心；答复了什么、转到哪里，一句话写在这里。"),
    "contracting-helped": gettext_lazy("派给您的上门，写着日期和地址；您可以联系的居民和他们的预约。"),
    "slots-day": gettext_lazy("今天谁约了谁：签到、记未到、写小结。"),
    "slots-templates": gettext_lazy("每周谁几点出诊写成模板，看过放假和冲突再按周开号；有人约的门诊不会悄悄改动。"),
    "slots-pools": gettext_lazy("先留给社区多少号、什么时候放出来、用没用掉；换个比例，用真实的需求再放一遍。"),
    "slots-find": gettext_lazy("家门口的专家先列出来，选一个时间就能约。"),
    "slots-mine": gettext_lazy("约好的和看过的号；不去了在这里取消，号给别人。"),
    "records-mine": gettext_lazy("自己的病历、该做的服务，在家量的血压和血糖也记在这里。"),
    "referral-mine": gettext_lazy("转诊走到哪一步、下一步等谁。"),
    "roster-board": gettext_lazy("全市专家下社区的半天：红格是缺口，写着原因；方向键选格，M 移动。"),
    "roster-postings": gettext_lazy("哪位专家派到哪家中心、从哪天到哪天。"),
    "roster-attendance": gettext_lazy("专家来没来、做了什么，由中心确认。"),
    "roster-mine": gettext_lazy("本周您在哪个中心、哪半天坐诊。"),
    "agreements-list": gettext_lazy("医院和中心的协议：谁该做什么、按哪一条、做到没有。"),
    "indicators-list": gettext_lazy("每个数字都能点开：公式、分子、分母、明细、条款。"),
    "appraisal-list": gettext_lazy("按协议给医院打分；每一项有值、目标、权重和条款。"),
    "finance-list": gettext_lazy("补助按付费方测算，考核定案后才付；每一元都能点到来处。"),
    "publication-list": gettext_lazy("每年二月底前公示的名单：起草、送审、发布，发布后不再改动。"),
    "people-list": gettext_lazy("开账号、停账号、重发初始密码。"),
    "people-role-changes": gettext_lazy("岗位变动由一人提出、另一人同意。"),
    "messaging-deliveries": gettext_lazy("短信和微信发出去多少、送到没有、没送到的原因；没送到的再发一次。"),
    "residents-oversight": gettext_lazy("紧急查阅和居民的疑问，都要有人看、有人答。"),
    "audit": gettext_lazy("谁在什么时候做了什么；每一行都和前一行锁在一起。"),
    "imports-index": gettext_lazy("一次登记很多行：下载模板，填好上传，一行一行看过再登记，登记后还能整批撤回。"),
    "papers-templates": gettext_lazy("转诊单、协议书等的 Word 模板：下载，在 Word 里改，再传回来。"),
    "chain": gettext_lazy("从协议到公示的整条链，一张图看到现在的数；跟着一张单子走到底。"),
    "clauses-list": gettext_lazy("文件的每一条：原文、我们怎么读、在产品哪里、由哪个测试守着。"),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a tour: the part of the page it stands beside (a selector; empty for none), and what is said."""

    at: str
    title: str
    text: str


def tour_of(role: str) -> list[dict[str, str]]:
    """The stops of a role, as the browser takes them."""
    bar = ".app-bar" if role == Role.RESIDENT else ".rail"
    welcome = Stop("", str(Role(role).label), str(ROLE_DESCRIPTIONS[Role(role)]))
    places = [_place(bar, entry) for entry in RAILS[role]]
    return [asdict(stop) for stop in (welcome, *places, *_everywhere(role))]


def _place(bar: str, entry: Entry) -> Stop:
    return Stop(f'{bar} a:not(.brand)[href="{reverse(entry.url_name)}"]', str(entry.label), str(PLACES[entry.url_name]))


def _everywhere(role: str) -> tuple[Stop, ...]:
    if role == Role.RESIDENT:
        return (
            Stop(".mode-f", _("长辈版"), _("字和按钮都变大；再大一倍、高对比度在“字号和对比度”里选。")),
            Stop(".help-at", _("帮助"), _("看不明白就按这里；每一页都在同一个地方。")),
        )
    return (
        Stop(".cmd", _("查找"), _("Ctrl K：找人、机构、页面和要做的事，打拼音首字母就行。")),
        Stop(".who", _("我的菜单"), _("换岗位、换语言、调字号和对比度、退出登录。")),
        Stop(".help-at", _("帮助"), _("按 ? 看这一页的快捷键；这趟说明随时可以再看一遍。")),
    )
