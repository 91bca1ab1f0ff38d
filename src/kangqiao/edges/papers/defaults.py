"""The templates that come with the product, drawn with python-docx; the customer gets them as Word files to edit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

SONG, FANG = "宋体", "仿宋"  # untranslated: names of fonts
Columns = Sequence[tuple[str, str]]

# untranslated: papers are Chinese
TITLES = {
    "referral": "双向转诊单（{{ 方向 }}）", "agreement": "{{ 种类 }}书", "target": "目标管理责任书",
    "contract": "家庭医生签约服务协议书",
    "settlement": "{{ 地区 }}{{ 年度 }}年联建协管经费结算单", "publication": "{{ 医院 }}{{ 年度 }}年专家进社区公示表",
}  # fmt: skip
# untranslated: papers are Chinese
LINES: dict[str, tuple[str, ...]] = {
    "referral": (
        "{{ 转入机构 }} {{ 专科 }}：",
        "兹转诊 {{ 姓名 }}（{{ 性别 }}，{{ 年龄 }} 岁，证件号 {{ 证件号 }}，电话 {{ 电话 }}）。{{ 缓急 }}。",
        "诊断：{{ 诊断 }}", "病史：{{ 病史 }}", "查体和检查：{{ 查体 }}", "现用药：{{ 用药 }}", "过敏史：{{ 过敏史 }}",
        "转诊原因：{{ 转诊原因 }}", "希望解决：{{ 希望解决 }}",
        "康复与随访计划：{{ 后续计划 }}", "医院回信：{{ 回信 }}",
        "转出医生：{{ 医生 }}",
    ),
    "agreement": (
        "甲方：{{ 医院 }}", "乙方：{{ 中心 }}", "期限自 {{ 开始 }} 至 {{ 结束 }}。合作形式：{{ 合作形式 }}。",
        "各方职责如下，依据 {{ 依据 }}。",
    ),
    "target": (
        "责任医院：{{ 医院 }}", "社区卫生服务中心：{{ 中心 }}", "责任期自 {{ 开始 }} 至 {{ 结束 }}。",
        "在责任期内完成下列目标，依据 {{ 依据 }}。",
    ),
    "contract": (
        "甲方：{{ 中心 }} {{ 团队 }}（牵头医生 {{ 牵头医生 }}，电话 {{ 团队电话 }}）",
        "乙方：{{ 姓名 }}（{{ 性别 }}，{{ 出生 }} 出生，证件号 {{ 证件号 }}，电话 {{ 电话 }}，住 {{ 地址 }}）",
        "服务自 {{ 开始 }} 至 {{ 结束 }}，依据 {{ 依据 }}。{% if 家庭编号 %}家庭 {{ 家庭编号 }} 一起签约。{% endif %}",
        "甲方按下列项目提供服务，保护乙方的个人信息；乙方如实说明健康情况。乙方可以换团队，也可以提前解约。",
        "乙方同意甲方团队在签约期内查看健康档案，签约结束后不再查看。",
        "签署人：{{ 签署人 }}　方式：{{ 签署方式 }}　地点：{{ 签署地点 }}",
    ),
    "settlement": (
        "测算合计 ¥{{ 合计 }}（大写：{{ 合计大写 }}）", "其中可拨付 ¥{{ 可拨付 }}（大写：{{ 可拨付大写 }}）",
        "第 {{ 版次 }} 版，依据 {{ 依据 }}。冻结数据指纹 {{ 冻结指纹 }}",
    ),
    "publication": ("第 {{ 版次 }} 版。冻结数据指纹 {{ 冻结指纹 }}",),
}  # fmt: skip
# untranslated: papers are Chinese
EXPERTS = tuple((head, head) for head in ("姓名", "职称", "专科", "地点", "开始", "结束"))
# untranslated: papers are Chinese
TABLES: dict[str, tuple[tuple[str, str, Columns], ...]] = {
    "referral": (),
    "agreement": (
        ("职责", "职责", (("承担方", "方"), ("内容", "内容"), ("指标", "指标"), ("条款", "条款"))),
        ("签署", "签署", (("方", "方"), ("机构", "机构"), ("签署人", "签署人"), ("日期", "日期"))),
    ),
    "target": (
        ("目标", "职责", (("责任方", "方"), ("目标", "内容"), ("指标", "指标"), ("条款", "条款"))),
        ("签署", "签署", (("方", "方"), ("机构", "机构"), ("签署人", "签署人"), ("日期", "日期"))),
    ),
    "contract": (
        ("服务项目", "项目", (("服务包", "服务包"), ("项目", "名称"), ("每年次数", "次数"), ("每次 元", "价格"))),
        ("团队成员", "成员", (("姓名", "姓名"), ("类别", "类别"), ("所在机构", "机构"))),
        ("一起签约的家人", "家人", (("姓名", "姓名"), ("性别", "性别"), ("出生", "出生"))),
    ),
    "settlement": (
        ("由谁支付", "支付方", (("支付方", "名称"), ("笔数", "笔数"), ("测算 元", "测算"), ("已拨付 元", "已拨付"))),
        (
            "逐笔", "明细",
            (
                ("中心", "中心"), ("医院", "医院"), ("支付方", "支付方"), ("测算 元", "测算"), ("应拨 元", "应拨"),
                ("条款", "条款"), ("状态", "状态"),
            ),
        ),
    ),
    "publication": (
        ("对口机构", "对口中心", (("社区卫生服务中心", "中心"), ("开始", "开始"), ("结束", "结束"))),
        *(
            (title, name, EXPERTS)
            for title, name in (("拟派驻专家", "拟派驻"), ("已派驻专家", "已派驻"))
        ),
    ),
}  # fmt: skip

# What is signed by hand stands below the tables, where the page is signed.
# untranslated: papers are Chinese
FEET = {"contract": ("乙方签名：{% if 签名 %}{{ 签名 }}{% else %}＿＿＿＿＿＿＿＿＿＿＿＿{% endif %}",)}


@cache
def default_template(kind: str) -> bytes:
    """The Word file of a kind, with its placeholders."""
    page = Document()
    _set_page(page)
    _write(page, "编号 {{ 编号 }}", 10.5, WD_ALIGN_PARAGRAPH.RIGHT)  # untranslated: papers are Chinese
    _write(page, TITLES[kind], 18, WD_ALIGN_PARAGRAPH.CENTER, SONG, bold=True)
    for line in LINES[kind]:
        _write(page, line)
    for title, name, columns in TABLES[kind]:
        _write(page, title, 12, font=SONG, bold=True)
        _table(page, name, columns)
    for line in FEET.get(kind, ()):
        _write(page, line)
    _write(page, "{{ 出具单位 }}（盖章）", align=WD_ALIGN_PARAGRAPH.RIGHT)  # untranslated: papers are Chinese
    _write(page, "{{ 日期 }}", align=WD_ALIGN_PARAGRAPH.RIGHT)  # untranslated: a name in the template
    _write(page, "{{ 二维码 }}", 9)  # untranslated: a name in the template
    # untranslated: papers are Chinese
    _write(page, "扫码或打开 {{ 验真网址 }} 核对真伪。指纹 {{ 指纹 }}", 9)
    content = io.BytesIO()
    page.save(content)
    return content.getvalue()


def _set_page(page: Any) -> None:
    """A4 with the margins of official papers, in the fonts that Chinese offices print with."""
    section = page.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.6)
    section.top_margin = section.bottom_margin = Cm(2.5)
    style = page.styles["Normal"]
    style.font.name, style.font.size = FANG, Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FANG)


def _write(page: Any, text: str, size: float = 12, align: Any = None, font: str = FANG, *, bold: bool = False) -> None:
    paragraph = page.add_paragraph()
    paragraph.alignment = align
    run = paragraph.add_run(text)
    run.bold, run.font.size, run.font.name = bold, Pt(size), font
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)


def _table(page: Any, name: str, columns: Columns) -> None:
    """A head, and one row that is drawn for each line of the list."""
    table = page.add_table(rows=4, cols=len(columns))
    table.style = "Table Grid"
    for number, (head, _cell) in enumerate(columns):
        table.cell(0, number).text = head
    table.cell(1, 0).text = f"{{%tr for 行 in {name} %}}"  # untranslated: a name in the template
    for number, (_head, cell) in enumerate(columns):
        table.cell(2, number).text = f"{{{{ 行.{cell} }}}}"  # untranslated: a name in the template
    table.cell(3, 0).text = "{%tr endfor %}"
