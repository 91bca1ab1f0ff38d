"""`kangqiao access`: who may open what, as the workbook a bureau asks for, written from what the pages declare."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import openpyxl
import xlsxwriter

FILE = click.Path(path_type=Path, dir_okay=False)
Table = list[tuple[str, ...]]

# How far a role reaches, as a cell says it.
CELLS = {"all": "✓", "related": "关联", "own": "本单位", "": "✗"}
LEGEND: Table = [
    ("记号", "含义"),
    ("✓", "可以打开；清单只列出本岗位能看的内容"),
    ("本单位", "只限本人、本单位、本辖区的"),
    ("关联", "本单位的，以及有协议、派驻、依据（预约、转诊、就诊等）或在所管地区的"),
    ("✗", "不能打开"),
    ("看", "打开一页或下载"),
    ("办", "提交一张表单；办理的每一步还要看这一步归谁办，见 docs/states"),
    ("先再验证", "先再证明一次是本人，才能看或办"),
    ("", "双方关系结束后：个人信息随依据一起关闭；协议、派驻、坐诊和经费的历史，当事双方仍可查看。"),
]
AREAS = {
    "accounts": "账号", "agreements": "协议", "appraisal": "考核", "clauses": "条款", "closing": "考核",
    "contracting": "签约",
    "excel": "导入", "finance": "经费", "followup": "健康方案", "find": "查找", "help": "帮助",
    "papers": "文书", "work": "后台任务",
    "gallery": "组件", "health": "运行", "home": "首页", "indicators": "指标", "institutions": "机构",
    "messaging": "通知", "web": "运行", "own": "账号",
    "administration": "账号", "single_sign_on": "账号",
    "chart": "健康档案",
    "network": "协议", "portal": "居民服务", "public": "公示网站", "publication": "公示",
    "records": "健康档案", "referral": "转诊",
    "residents": "居民", "roster": "排班", "scheduling": "号源与预约", "workforce": "人员", "audit": "审计",
}  # fmt: skip

# What each address is, in words for the customer.
PAGES = {
    "healthz": "运行状态",
    "csp-report": "浏览器报告的违规（不含个人信息）",
    "drafts-keep": "存下自己正在填的内容",
    "drafts-drop": "不要自己存下的内容",
    "imports-index": "导入：能导什么、正在核对的批次",
    "imports-upload": "上传一个表格",
    "imports-empty": "下载空表",
    "imports-batch": "逐行核对一批",
    "imports-mend": "就地改一行",
    "imports-enter": "写入核对过的行",
    "imports-undo": "撤销一批",
    "imports-drop": "不要这一批",
    "imports-sheet": "下载这一批",
    "papers-verify": "扫码验真（不含个人信息）",
    "papers-templates": "文书模板",
    "papers-upload": "换成自己的模板",
    "papers-template": "下载模板",
    "papers-revert": "恢复自带的模板",
    "papers-referral": "出具双向转诊单",
    "papers-agreement": "出具协议书或责任书",
    "papers-contract": "出具签约协议书",
    "papers-settlement": "出具结算单",
    "papers-publication": "出具公示表",
    "papers-file": "下载一份文书",
    "work-index": "自己的后台任务",
    "work-anew": "重试失败的后台任务",
    "work-bar": "一个任务的进度",
    "work-result": "任务的结果文件",
    "home": "首页：等我处理的事",
    "chain": "全链条总览",
    "chain-follow": "沿全链条跟踪一件事",
    "sign-in": "登录",
    "accounts-demo": "演示人物登录（只在演示中）",
    "accounts-second": "登录的第二步",
    "accounts-first-password": "第一次登录改密码",
    "accounts-add-app": "登记验证码应用",
    "accounts-app-picture": "验证码应用的二维码",
    "accounts-add-key": "登记安全钥匙",
    "accounts-prove": "再次验证本人",
    "audit": "审计",
    "audit-export": "一家机构的审计链（下载）",
    "audit-fhir": "一家机构的审计事件（FHIR 下载）",
    "audit-heads": "公示的审计摘要",
    "audit-heads-file": "公示的审计摘要（文件）",
    "sso-start": "单点登录",
    "sso-back": "单点登录返回",
    "sso-bind": "绑定单点登录",
    "sso-unbind": "解除自己的单点登录",
    "people-list": "人员账号",
    "people-new": "开账号",
    "people-detail": "一个账号",
    "people-step": "账号的停用、启用、解锁、退出、重置",
    "people-password": "重发初始密码",
    "people-role": "提出岗位变动",
    "people-end-role": "结束一个岗位",
    "people-role-changes": "岗位变动清单",
    "people-decide": "岗位变动的同意、不同意、撤回",
    "own-sign-ins": "我的登录和验证方式",
    "own-end-one": "结束自己的一处登录",
    "own-end-everywhere": "退出自己的其他设备",
    "own-remove-factor": "删除自己的一种验证方式",
    "own-recovery-codes": "自己的恢复码",
    "own-password": "改自己的密码",
    "sign-out": "退出登录",
    "accounts-seat": "切换自己的岗位",
    "set_language": "切换语言",
    "accounts-mode": "字号和对比度",
    "find": "查找",
    "help": "帮助",
    "help-tour": "带着走一遍",
    "accessibility": "无障碍声明",
    "offline": "没有网络时的页面",
    "manifest": "手机应用的说明文件",
    "service-worker": "手机应用的离线脚本",
    "agreements-network": "联建网络图",
    "agreements-duties": "协议责任的履行",
    "agreements-list": "协议清单",
    "agreements-export": "协议清单（下载）",
    "agreements-draft": "起草协议",
    "agreements-detail": "一份协议",
    "agreements-paper": "协议文本（打印）",
    "agreements-step": "协议的送签、作废、终止",
    "agreements-sign": "签署协议",
    "agreements-justify": "写未达要求的说明",
    "roster-board": "排班表",
    "roster-export": "排班表（下载）",
    "roster-plan": "自动排班",
    "roster-publish": "发布排班",
    "roster-add": "手工安排半天",
    "roster-move": "调整半天",
    "roster-step": "半天的确认、取消、出诊登记",
    "roster-record": "登记服务",
    "roster-postings": "派驻清单",
    "roster-nominate": "提名专家",
    "roster-posting-step": "派驻的批准、派出、结束",
    "roster-attendance": "出诊登记",
    "roster-mine": "我的出诊",
    "slots-pools": "号源分配的医院",
    "slots-pools-of": "一家医院的号源分配",
    "slots-share": "改放号规则",
    "slots-find": "找号",
    "slots-mine": "我的预约",
    "slots-day": "一天的门诊",
    "slots-expert": "医生介绍和近期出诊",
    "slots-session": "一次出诊的号",
    "slots-absences": "未到诊记录",
    "slots-appeal": "申诉爽约",
    "slots-appeals": "等答复的爽约申诉",
    "slots-appeal-decide": "答复爽约申诉",
    "slots-waits": "候补",
    "slots-wait": "排进候补",
    "slots-wait-step": "候补的要、让、不等了",
    "slots-withdraw": "停诊",
    "slots-confirm": "确认要约的号",
    "slots-hold": "先留着要约的号",
    "slots-release": "放弃留着的号",
    "slots-book": "预约",
    "slots-booking": "一个预约",
    "slots-move": "改时间",
    "slots-cancel": "取消预约",
    "slots-step": "签到、记为未到",
    "slots-visit": "写就诊小结",
    "referral-list": "转诊清单",
    "referral-desk": "转诊台",
    "referral-arrivals": "转诊专窗：今天要来和已到的居民、三个队列",
    "referral-discharge": "可以下转的住院患者",
    "referral-results": "转诊成效（只有数字）",
    "referral-receive": "到院签到",
    "referral-part": "登记检查做完或已收住",
    "referral-new": "写转诊单",
    "referral-slots": "医院的空号（写转诊单时）",
    "referral-whole": "转诊资料齐不齐（写转诊单时）",
    "referral-down": "下转",
    "referral-mine": "我的转诊",
    "referral-detail": "一张转诊单",
    "referral-print": "转诊单（打印）",
    "referral-step": "转诊单的一步",
    "contracting-teams": "家庭医生团队清单",
    "contracting-form-team": "组建团队",
    "contracting-team": "一个团队",
    "contracting-team-step": "团队的公布、撤销",
    "contracting-member-add": "团队加成员",
    "contracting-member-end": "成员离开团队",
    "contracting-zone-add": "团队加片区",
    "contracting-zone-drop": "团队移出片区",
    "contracting-duty": "写各类成员的职责",
    "contracting-unserved": "签而不约的居民",
    "contracting-campaign": "待签的重点人群",
    "contracting-packages": "服务包清单",
    "contracting-adopt": "选用服务包",
    "contracting-package-new": "写服务包",
    "contracting-package-end": "停止提供服务包",
    "contracting-desk": "签约台",
    "contracting-new": "登记签约申请",
    "contracting-mine": "我的家庭医生",
    "contracting-apply": "居民申请签约",
    "contracting-of": "一位居民的签约（档案页上）",
    "contracting-groups": "一位居民属于哪些重点人群",
    "contracting-detail": "一份签约",
    "contracting-step": "签约的接受、签署、续约、解约",
    "followup-desk": "到期的随访、还没评估的",
    "followup-mine": "我的健康方案",
    "followup-plan": "一位居民的健康方案、重新评估",
    "followup-done": "记一次方案里的项目",
    "followup-invite": "记一次邀请签约",
    "followup-again": "要再联系的居民",
    "followup-channels": "服务群（只有数量）",
    "followup-channel-new": "登记一个服务群",
    "followup-channel": "更新服务群的人数",
    "portal-desk": "居民问团队",
    "portal-mine": "问团队",
    "portal-enquiry": "一个问题和回复",
    "portal-hand-over": "把问题转给同事",
    "portal-close": "结束一个问题",
    "portal-rate": "评价一次服务",
    "portal-ratings": "各团队的满意度",
    "referral-undo": "撤销转诊单的上一步",
    "indicators-list": "指标总览",
    "indicators-report": "一份指标报告",
    "indicators-detail": "一项指标",
    "indicators-export": "一项指标（下载）",
    "indicators-rows": "指标背后的明细",
    "appraisal-list": "考核清单",
    "appraisal-open": "开启年度考核",
    "appraisal-export": "考核清单（下载）",
    "appraisal-detail": "一家的考核",
    "appraisal-score": "评分",
    "appraisal-close": "定案",
    "finance-list": "经费清单",
    "finance-compute": "测算经费",
    "finance-inputs": "经费依据",
    "finance-verify": "核实一条依据",
    "finance-settlement": "一次测算",
    "finance-submit": "提交拨付",
    "finance-pay": "登记拨付",
    "finance-export": "一次测算（下载）",
    "finance-line": "一笔经费的由来",
    "publication-list": "公示名单清单",
    "publication-draft": "起草公示名单",
    "publication-detail": "一份公示名单",
    "publication-step": "公示名单的送审、退回、批准、公示",
    "public-index": "公示首页",
    "public-publication": "一份已公示的名单",
    "public-file": "已公示的名单（校验文件）",
    "public-sheet": "已公示的名单（下载）",
    "clauses-list": "条款清单",
    "clauses-export": "条款清单（下载）",
    "clauses-detail": "一条条款",
    "messaging-inbox": "通知",
    "messaging-read-all": "全部记为已读",
    "messaging-open": "打开一条通知",
    "messaging-read": "在待办里把一条通知记为已读",
    "messaging-unread": "撤销已读",
    "residents-search": "找居民",
    "residents-consents": "我的授权",
    "residents-decide": "允许或不让一家机构看我的档案",
    "residents-proxy": "添加代办人",
    "residents-withdraw": "撤回授权",
    "residents-reads": "谁看过我的档案",
    "residents-ask": "问一次查看",
    "residents-emergency": "紧急查阅",
    "residents-oversight": "紧急查阅和居民疑问",
    "residents-review": "核查一次紧急查阅",
    "residents-question": "一个疑问和答复",
    "residents-guardian": "登记孩子的监护人",
    "records-resident": "居民健康档案",
    "records-death": "登记去世",
    "residents-register": "建档",
    "residents-merge": "合并重复的档案、分开",
    "records-visit": "接诊：一页写完一次就诊",
    "records-keep": "居民的问题、过敏和用药",
    "records-value": "一个测量值和它的更正",
    "records-mine": "我的档案、该做的服务和自测",
    "records-identifier": "居民身份证号全文",
    "records-document": "档案里的一份文书",
    "institutions-network": "机构清单",
    "institutions-office": "登记社区指导科",
}


@click.command()
@click.option("--write", type=FILE, help="Write the workbook, such as docs/access-matrix.xlsx.")
@click.option("--check", type=FILE, help="End with 1 unless that workbook says what the pages declare.")
def access(write: Path | None, check: Path | None) -> None:
    """The access matrix: every address, what it is about, and how far each role reaches there."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kangqiao.config.settings")
    django.setup()
    if write:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_bytes(workbook())
        click.echo(f"{sum(len(rows) - 1 for rows in tables().values())} addresses written to {write}")
    elif check:
        if not check.exists() or read(check) != {"说明": LEGEND, **tables()}:
            click.echo(f"stale: {check}; run `kangqiao access --write {check}`", err=True)
            sys.exit(1)
        click.echo(f"{check} is up to date")
    else:
        for area, rows in tables().items():
            for row in rows[1:]:
                click.echo("  ".join((area, *row)))


def tables() -> dict[str, Table]:
    """Area → head and rows: address, what it is, method, then how far each role reaches."""
    from kangqiao.base.checks import declared, methods, patterns
    from kangqiao.domain.accounts.models import Role

    head = ("地址", "内容", "看/办", "未登录", *(str(_plain(role.label)) for role in Role))
    found: dict[str, Table] = {}
    for route, pattern in patterns():
        rule, name, area = declared(pattern), pattern.name or route, area_of(pattern.callback.__module__)
        if area == AREAS["gallery"]:
            continue  # there in a demonstration only; the workbook is about a site in use
        assert rule is not None
        if name not in PAGES:
            raise click.ClickException(f"/{route} ({name}) has no words in edges.commands.access.PAGES: say what it is")
        allowed = methods(pattern)
        ways = "/".join(word for word, method in (("看", "GET"), ("办", "POST")) if method in allowed)
        ways += "，先再验证" if rule.step_up else ""
        kinds = _kinds(name, tuple(pattern.pattern.converters))
        anybody = CELLS["all" if rule.admits(None) else ""]
        cells = (_cell(rule.admits(role.value), role.value, kinds) for role in Role)
        rows = found.setdefault(area, [head])
        rows.append((f"/{_shown(route)}", PAGES[name], ways, anybody, *cells))
    return dict(sorted(found.items()))


def area_of(module: str) -> str:
    """The area of a view by the package it lies in."""
    return AREAS.get(module.split(".")[2], module.split(".")[2])


def _plain(label: object) -> str:
    from django.utils import translation

    with translation.override("zh-hans"):
        return str(label)


def _kinds(name: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    from kangqiao.pathways.reach import kind_of

    return tuple(kind for argument in arguments if (kind := kind_of(name, argument)))


def _cell(admits: bool, role: str, kinds: tuple[str, ...]) -> str:
    from kangqiao.pathways.reach import ALL, KINDS, OWN, RELATED

    if not admits:
        return CELLS[""]
    reaches = [KINDS[kind].of(role) for kind in kinds if not KINDS[kind].is_public]
    narrowest = next((level for level in ("", OWN, RELATED) if level in reaches), ALL)
    return CELLS[narrowest]


def _shown(route: str) -> str:
    """An address with the names of its arguments, as a reader writes them."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def workbook() -> bytes:
    """The workbook: a sheet that explains, then one for each area; the same bytes for the same declarations."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "康桥 访问权限矩阵", "created": datetime(2026, 1, 1)})  # noqa: DTZ001 (a fixed date)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    shades = {"✗": "#F3D9D9", "本单位": "#FBF0CF", "关联": "#DDEBF7", "✓": "#DCEFDC"}
    looks = {cell: book.add_format({"bg_color": shade, "align": "center"}) for cell, shade in shades.items()}
    for area, rows in _sheets():
        page = book.add_worksheet(area)
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                page.write_string(line, column, cell, bold if line == 0 else looks.get(cell))
        page.set_column(0, 1, 40)
        page.set_column(2, max(2, len(rows[0]) - 1), 9)
        page.freeze_panes(1, 2 if len(rows[0]) > 2 else 0)
        page.set_landscape()
    book.close()
    return content.getvalue()


def _sheets() -> Iterator[tuple[str, Table]]:
    yield "说明", LEGEND
    yield from tables().items()


def read(file: Path) -> dict[str, Table]:
    """What a workbook says, sheet by sheet."""
    book = openpyxl.load_workbook(file)
    return {
        page.title: [tuple(str(cell or "") for cell in row) for row in page.iter_rows(values_only=True)]
        for page in book
    }
