"""Templates: what is refused and named, and what a finished paper holds."""

from __future__ import annotations

import io
import zipfile

import pytest
from docx import Document
from docx.oxml.ns import qn

from kangqiao.base.signatures import picture
from kangqiao.base.upload_reader import TEXT, Refused, inspect
from kangqiao.edges.papers.defaults import default_template
from kangqiao.edges.papers.facts import NAMES, sample
from kangqiao.edges.papers.writing import check, fill
from kangqiao.kernel.errors import RuleBroken

ADDRESS = "https://kangqiao.example/verify/abc/"


def word(*lines: str, header: str = "") -> bytes:
    page = Document()
    for line in lines:
        page.add_paragraph(line)
    if header:
        page.sections[0].header.paragraphs[0].text = header
    content = io.BytesIO()
    page.save(content)
    return content.getvalue()


def text_of(content: bytes) -> str:
    page = Document(io.BytesIO(content))
    cells = [cell.text for table in page.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in page.paragraphs), *cells])


@pytest.mark.parametrize("kind", list(NAMES))
def test_default_template_is_sound_and_leaves_no_placeholder(kind: str) -> None:
    content = default_template(kind)
    check(content, sample(kind))

    paper = fill(content, sample(kind), address=ADDRESS, fingerprint="ab" * 32)

    assert "{" not in text_of(paper)
    assert ADDRESS in text_of(paper)
    assert "ab" * 8 in text_of(paper)
    with zipfile.ZipFile(io.BytesIO(paper)) as parts:
        inspect(parts, TEXT)
        assert any(name.startswith("word/media/") for name in parts.namelist())


@pytest.mark.parametrize("kind", list(NAMES))
def test_default_template_says_every_fact_but_those_that_repeat(kind: str) -> None:
    paper = text_of(fill(default_template(kind), sample(kind), address=ADDRESS, fingerprint="0" * 64))
    unsaid = {name for name in NAMES[kind][0].split() if name not in paper}

    assert unsaid <= {"转出机构", "冻结指纹", "种类", "合作形式"}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (("{{ 姓名 }} {{ 名字 }} {{ 二维码 }}",), "名字"),
        (("{{ 姓名 }}",), "二维码"),
        (("{{ 姓名 {{ 二维码 }}",), "不完整"),
        (("{{ 姓名.__class__ }} {{ 二维码 }}",), "__class__"),
        (("{{ ''.join('x') }} {{ 二维码 }}",), "不允许的写法"),
        (("{{ 姓名|upper }} {{ 二维码 }}",), "不允许的写法"),
        (("{{ 9 ** 99 }} {{ 二维码 }}",), "不允许的写法"),
        (("{% for x in range(9) %}{% endfor %} {{ 二维码 }}",), "不允许的写法"),
        (("{% set x = 姓名 %} {{ 二维码 }}",), "不允许的写法"),
        (("{% for x in 职责 %}{{ x.内容 }}{% endfor %} {{ 二维码 }}",), "职责"),
        (("{{ 编号.姓名 }} {{ 二维码 }}",), "填不出"),
    ],
)
def test_check_names_what_is_wrong(lines: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(RuleBroken, match=sentence):
        check(word(*lines), sample("referral"))


def test_check_reads_headers_and_takes_a_customers_own_layout() -> None:
    check(word("{% if 回信 %}{{ 回信 }}{% endif %}{{ 二维码 }}", header="{{ 编号 }}"), sample("referral"))

    with pytest.raises(RuleBroken, match="工号"):
        check(word("{{ 二维码 }}", header="{{ 工号 }}"), sample("referral"))
    with pytest.raises(RuleBroken, match="Word"):
        check(b"PK\x03\x04 nothing", sample("referral"))


def test_words_of_people_stay_words() -> None:
    facts = sample("referral") | {"病史": "血压 <160/100> & {{ 诊断 }}\n第二行", "姓名": "䶮·𠮷"}

    paper = text_of(fill(default_template("referral"), facts, address=ADDRESS, fingerprint="0" * 64))

    assert "血压 <160/100> & {{ 诊断 }}\n第二行" in paper
    assert "䶮·𠮷" in paper


@pytest.mark.parametrize("part", ["word/vbaProject.bin", "word/embeddings/a.bin", "word/activeX/a.xml"])
def test_macro_file_is_refused(part: str) -> None:
    content = io.BytesIO(default_template("referral"))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(part, "x")

    with zipfile.ZipFile(content) as archive, pytest.raises(Refused, match="active"):
        inspect(archive, TEXT)


def pictures(content: bytes) -> list[tuple[str, int]]:
    """Of each paragraph with a picture its words, and the width of the picture in millimetres."""
    lines = Document(io.BytesIO(content)).paragraphs
    return [(line.text, round(int(one.get("cx")) / 36000)) for line in lines for one in line._p.iter(qn("wp:extent"))]


def test_drawn_signature_stands_on_its_line() -> None:
    facts = sample("contract") | {"签名": "M40 120L80 60L120 130M200 90"}

    paper = fill(default_template("contract"), facts, address=ADDRESS, fingerprint="0" * 64)

    assert [(words, width) for words, width in pictures(paper) if words.startswith("乙方签名")] == [("乙方签名：", 50)]
    with zipfile.ZipFile(io.BytesIO(paper)) as parts:
        assert picture(facts["签名"]) in [parts.read(name) for name in parts.namelist() if "media/" in name]


@pytest.mark.parametrize("strokes", [None, "", 'M1 1"/><w:t>x', "{{ 姓名 }}"])
def test_paper_without_a_drawn_signature_has_the_line_to_sign_on(strokes: str | None) -> None:
    facts = {name: value for name, value in sample("contract").items() if name != "签名"}
    if strokes is not None:
        facts["签名"] = strokes

    paper = fill(default_template("contract"), facts, address=ADDRESS, fingerprint="0" * 64)

    assert "乙方签名：＿＿＿" in text_of(paper)
    assert [width for _words, width in pictures(paper)] == [24]


def test_customers_layout_may_place_the_signature_or_leave_it_out() -> None:
    check(word("{{ 签名 }}", "{{ 二维码 }}"), sample("contract"))
    check(word("{{ 二维码 }}"), sample("contract"))

    with pytest.raises(RuleBroken, match="签名"):
        check(word("{{ 签名 }}", "{{ 二维码 }}"), sample("referral"))
