"""The collector finds what the pages say, and each kind of fault is told with its file and line."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from kangqiao.base import translations


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small product: a base, and one module with a view and a template that say everything properly."""
    module = tmp_path / "domain" / "referral"
    (module / "templates" / "referral").mkdir(parents=True)
    (tmp_path / "base").mkdir()
    for app in (tmp_path / "base", module):
        (app / "apps.py").write_text('name = "康桥"\n')
    (module / "views.py").write_text('"""转诊的页面。"""\n\ntitle = _("接收转诊")\n')
    (module / "templates" / "referral" / "desk.html").write_text('<h1>{% translate "接收台" %}</h1>\n')
    translations.update(tmp_path)
    translate(tmp_path, "domain/referral", {"接收转诊": "Accept the referral", "接收台": "Referral desk"})
    return tmp_path


def translate(root: Path, app: str, english: dict[str, str]) -> None:
    path = root / app / translations.CATALOGUE
    catalogue = translations.opened(path)
    for entry in catalogue:
        entry.msgstr = english.get(entry.msgid, entry.msgstr)
    translations.write(path, catalogue)


def template(root: Path) -> Path:
    return root / "domain" / "referral" / "templates" / "referral" / "desk.html"


def msgids(source: str) -> list[str]:
    return [one.msgid for one in translations.from_template(source, Path("x.html"))]


def test_check_accepts_a_complete_house(house: Path) -> None:
    assert translations.check(house) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{% translate "接收" %}', ["接收"]),
        ("<c-card title=\"{% translate '待接转诊' %}\"/>", ["待接转诊"]),
        ("{% blocktranslate with n=3 %}剩 {{ n }}{% endblocktranslate %}", ["剩 %(n)s"]),
        ('   <p>\n {% translate "一" %}\n     </p>\n{% translate "二" %}', ["一", "二"]),
        ('{% comment %}{% translate "不说" %}{% endcomment %}', []),
    ],
)
def test_from_template_collects(source: str, expected: list[str]) -> None:
    assert msgids(source) == expected


def test_from_template_collects_plural() -> None:
    source = "{% blocktranslate count n=2 %}{{ n }} 件{% plural %}{{ n }} 件事{% endblocktranslate %}"

    (one,) = translations.from_template(source, Path("x.html"))

    assert (one.msgid, one.plural) == ("%(n)s 件", "%(n)s 件事")


def test_from_python_collects_plural_and_context() -> None:
    source = 'a = ngettext("%(n)s 天", "%(n)s 天", 2)\nb = pgettext("转诊", "退回")\n'

    found = list(translations.from_python(source, Path("x.py")))

    said = [(one.msgid, one.plural, one.context) for one in found]
    assert said == [("%(n)s 天", "%(n)s 天", ""), ("退回", "", "转诊")]


@pytest.mark.parametrize(
    "source",
    ["text = f\"{day} {_('上午')}\"", 'text = _(\n    "上"\n    "午"\n)', 'text = translation.gettext_lazy("上午")'],
)
def test_from_python_collects_inside_f_strings_and_across_lines(source: str) -> None:
    assert [one.msgid for one in translations.from_python(source, Path("x.py"))] == ["上午"]


def test_missing_names_file_and_line(house: Path) -> None:
    template(house).write_text('<h1>{% translate "接收台" %}</h1>\n<p>{% translate "没有译文" %}</p>\n')

    (fault,) = translations.missing(house)

    assert (fault.path, fault.line) == (template(house), 2)
    assert "没有译文" in fault.text


def test_missing_accepts_what_the_base_says(house: Path) -> None:
    (house / "base" / "views.py").write_text('save = _("保存")\n')
    template(house).write_text('{% translate "接收台" %}{% translate "保存" %}')
    translations.update(house)
    translate(house, "base", {"保存": "Save"})

    assert translations.missing(house) == []
    assert "保存" not in (house / "domain/referral" / translations.CATALOGUE).read_text()


def test_missing_counts_fuzzy_as_missing(house: Path) -> None:
    path = house / "domain/referral" / translations.CATALOGUE
    catalogue = translations.opened(path)
    catalogue[0].flags.append("fuzzy")
    translations.write(path, catalogue)

    assert len(translations.missing(house)) == 1


def test_stale_finds_what_nobody_says(house: Path) -> None:
    template(house).write_text("<h1></h1>")

    (fault,) = translations.stale(house)

    assert "接收台" in fault.text


def test_update_drops_stale_and_keeps_english(house: Path) -> None:
    template(house).write_text('{% translate "新的话" %}')

    assert translations.update(house) == (1, 1)

    catalogue = translations.opened(house / "domain/referral" / translations.CATALOGUE)
    assert {entry.msgid: entry.msgstr for entry in catalogue} == {"接收转诊": "Accept the referral", "新的话": ""}


def test_update_of_one_app_leaves_the_others(house: Path) -> None:
    template(house).write_text('{% translate "新的话" %}')

    assert translations.update(house, only=["base"]) == (0, 0)
    assert translations.update(house, only=["domain/referral"]) == (1, 1)


def test_update_writes_the_same_twice(house: Path) -> None:
    path = house / "domain/referral" / translations.CATALOGUE
    before = path.read_text()

    translations.update(house)

    assert path.read_text() == before
    assert "POT-Creation-Date" not in before


@pytest.mark.parametrize(
    "line",
    [
        "<p>没有翻译</p>",
        '<a title="没有翻译">x</a>',
        '<c-card title="没有翻译"/>',
        '{% translate "接收台" %} 没有翻译',
    ],
)
def test_untranslatable_finds_bare_chinese_in_template(house: Path, line: str) -> None:
    template(house).write_text(f'{{% translate "接收台" %}}\n{line}\n')

    (fault,) = translations.untranslatable(house)

    assert (fault.path, fault.line) == (template(house), 2)


@pytest.mark.parametrize(
    "line",
    [
        "{# 说明 #}<p></p>",
        "{% comment %}说明{% endcomment %}",
        "<p>白露</p>{# untranslated: an invented name #}",
        "{% blocktranslate %}都翻译了{% endblocktranslate %}",
    ],
)
def test_untranslatable_accepts_comments_and_marked_data(line: str) -> None:
    assert list(translations.untranslatable_in_template(line, Path("x.html"))) == []


@pytest.mark.parametrize(
    "statement",
    ['raise RuleBroken("号已被约走")', 'label = f"剩 {left} 个"', 'Decision(False, "不能接收")'],
)
def test_untranslatable_finds_bare_chinese_in_python(house: Path, statement: str) -> None:
    (house / "domain/referral/forms.py").write_text(f"left = 1\n{statement}\n")

    faults = translations.untranslatable(house)

    assert {(fault.path.name, fault.line) for fault in faults} == {("forms.py", 2)}


@pytest.mark.parametrize(
    "source",
    [
        '"""模块说明。"""\n',
        'label = _("接收")\n',
        'text = _("剩 %(n)s 个") % {"n": 1}\n',
        'raise RuleBroken(_("号已被约走"), next_step=_("请另选"))\n',
        'SURNAMES = ("单", "曾")  # untranslated: surnames\n',
        '# untranslated: surnames\nSURNAMES = (\n    "单",\n    "曾",\n)\n',
    ],
)
def test_untranslatable_accepts_gettext_docstrings_and_marked_data(source: str) -> None:
    assert list(translations.untranslatable_in_python(source, Path("forms.py"))) == []


def test_contradictions_finds_two_englishes(house: Path) -> None:
    (house / "base" / "views.py").write_text('desk = _("接收台")\n')
    translations.update(house)
    path = house / "base" / translations.CATALOGUE
    translate(house, "base", {"接收台": "Desk"})
    own = translations.opened(house / "domain/referral" / translations.CATALOGUE)
    own.append(polib.POEntry(msgid="接收台", msgstr="Referral desk"))
    translations.write(house / "domain/referral" / translations.CATALOGUE, own)

    faults = translations.contradictions(house)

    assert path.exists()
    assert any("接收台" in fault.text for fault in faults)


def test_contradictions_finds_a_lost_placeholder(house: Path) -> None:
    template(house).write_text('{% translate "接收台" %}{% blocktranslate %}剩 {{ n }}{% endblocktranslate %}')
    translations.update(house)
    translate(house, "domain/referral", {"剩 %(n)s": "some left"})

    (fault,) = translations.contradictions(house)

    assert "%(n)s" in fault.text


def test_compile_all_writes_what_gettext_reads(house: Path) -> None:
    import gettext

    assert translations.compile_all(house) == 1

    compiled = house / "domain/referral/locale/en/LC_MESSAGES/django.mo"
    with compiled.open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("接收台") == "Referral desk"
    assert translations.compile_all(house) == 0
