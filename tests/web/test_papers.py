"""Papers are handed out as Word files, anybody checks them by their code, and a site puts in templates of its own."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from docx import Document

from kangqiao.base.models import Paper, PaperTemplate
from kangqiao.base.papers import mark_of
from kangqiao.base.signatures import picture
from kangqiao.edges.papers.defaults import default_template
from tests.access_matrix.world import Side, two_sides

pytestmark = pytest.mark.django_db
KINDS = {
    "papers-referral": ("referral", "gp"),
    "papers-agreement": ("agreement", "centre_manager"),
    "papers-settlement": ("settlement", "finance_officer"),
    "papers-publication": ("publication", "guidance_office"),
    "papers-contract": ("contract", "gp"),
}


@pytest.fixture
def ours() -> Side:
    return two_sides()[0]


def browser(side: Side, actor: str) -> Client:
    client = Client()
    client.force_login(side.users[actor])
    return client


def send(client: Client, name: str, *arguments: object, **data: object) -> object:
    return client.post(reverse(name, args=arguments), data | {"idempotency_key": f"k{time.monotonic_ns()}"})


def words(content: bytes) -> str:
    page = Document(io.BytesIO(content))
    cells = [cell.text for table in page.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in page.paragraphs), *cells])


def handed_out(side: Side, name: str) -> tuple[Paper, str]:
    row, actor = KINDS[name]
    client = browser(side, actor)
    answer = send(client, name, side.rows[row].pk)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    file = client.get(answer.headers["Location"])
    assert file.status_code == 200, file.content.decode()[-2000:]
    return Paper.objects.latest("pk"), words(file.content)


def test_each_paper_is_handed_out_and_checked_by_anybody(ours: Side) -> None:
    for name in KINDS:
        paper, text = handed_out(ours, name)
        address = re.search(r"http://testserver(/verify/\S+/)", text)
        assert "{" not in text
        assert address, text
        assert paper.sha256[:16] in text
        page = Client().get(address[1])
        said = page.content.decode()
        assert page.status_code == 200
        assert "本单位出具过这张文书，内容至今没有更正" in said
        assert paper.number in said
        assert paper.sha256 in said
        for kind in ("resident", "referral", "agreement"):
            assert ours.mark(kind) not in said.replace(paper.number, "")


def test_same_paper_is_one_and_a_changed_one_corrects_it(ours: Side) -> None:
    first, _text = handed_out(ours, "papers-referral")
    again, _text = handed_out(ours, "papers-referral")
    assert again == first

    type(ours.referral).objects.filter(pk=ours.referral.pk).update(diagnosis="改过的诊断")
    stale = browser(ours, "gp").get(reverse("papers-file", args=(first.pk,)))
    assert stale.status_code == 422
    second, text = handed_out(ours, "papers-referral")
    assert "改过的诊断" in text
    assert "已更正" in Client().get(reverse("papers-verify", args=(mark_of(first),))).content.decode()
    assert "没有更正" in Client().get(reverse("papers-verify", args=(mark_of(second),))).content.decode()

    type(ours.referral).objects.filter(pk=ours.referral.pk).update(status="withdrawn")
    assert "已经作废" in Client().get(reverse("papers-verify", args=(mark_of(second),))).content.decode()


def test_mark_that_we_did_not_sign_is_not_there(ours: Side, django_assert_num_queries: Callable[..., object]) -> None:
    paper, _text = handed_out(ours, "papers-agreement")
    mark = mark_of(paper)

    for altered in (mark[:-1] + ("A" if mark[-1] != "A" else "B"), paper.token, f"{paper.token}:", "x" * 200):
        assert Client().get(f"/verify/{altered}/").status_code == 404


def test_paper_is_chinese_in_the_english_interface_and_amounts_stand_in_words(ours: Side) -> None:
    client = browser(ours, "finance_officer")
    client.cookies["kq-language"] = "en"
    answer = send(client, "papers-settlement", ours.settlement.pk)
    text = words(client.get(answer.headers["Location"]).content)

    assert "联建协管经费结算单" in text
    assert re.search(r"大写：[零壹贰叁肆伍陆柒捌玖].*整|分", text)


def test_site_puts_in_its_own_template_and_takes_it_back(ours: Side) -> None:
    keeper = browser(ours, "system_admin")
    page = Document(io.BytesIO(keeper.get(reverse("papers-template", args=("referral",))).content))
    page.add_paragraph("本院自己的一行 {{ 诊断 }}")
    content = io.BytesIO()
    page.save(content)
    own = SimpleUploadedFile("a.docx", content.getvalue())

    assert send(keeper, "papers-upload", "referral", template=own).status_code == 302
    assert "本院自己的一行" in handed_out(ours, "papers-referral")[1]
    assert send(keeper, "papers-revert", "referral").status_code == 302
    assert "本院自己的一行" not in handed_out(ours, "papers-referral")[1]
    assert PaperTemplate.objects.get().retired_at


def test_bad_template_is_refused_with_a_sentence(ours: Side) -> None:
    keeper = browser(ours, "system_admin")
    macro = io.BytesIO(default_template("referral"))
    with zipfile.ZipFile(macro, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    page = Document()
    page.add_paragraph("{{ 名字 }} {{ 二维码 }}")
    unknown = io.BytesIO()
    page.save(unknown)

    for content, sentence in (
        (macro.getvalue(), "宏"),
        (unknown.getvalue(), "这些占位符不认识：名字"),
        (b"%PDF-1.7", "这不是 Word 文档"),
        (b"PK\x03\x04 broken", "文件坏了"),
    ):
        answer = send(keeper, "papers-upload", "referral", template=SimpleUploadedFile("a.docx", content))
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
    assert not PaperTemplate.objects.exists()


def test_contract_carries_what_was_drawn_on_the_screen(ours: Side) -> None:
    drawn, _text = handed_out(ours, "papers-contract")
    content = browser(ours, "gp").get(reverse("papers-file", args=(drawn.pk,))).content
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert picture(ours.contract.signature) in [parts.read(name) for name in parts.namelist() if "media/" in name]

    type(ours.contract).objects.filter(pk=ours.contract.pk).update(signature="")
    _bare, text = handed_out(ours, "papers-contract")
    assert "乙方签名：＿" in text
