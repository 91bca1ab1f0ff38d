"""A template is looked through and filled in. What it may say is little: names of facts, loops over lists, conditions.

A template is a file of somebody else's that is run as a program. So no call, no filter, no arithmetic, no name of Jinja
itself: what is not on the short list is refused, and the sandbox stands behind it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any
from zipfile import BadZipFile

import segno
from django.utils import translation
from django.utils.translation import gettext as _
from docx.opc.exceptions import PackageNotFoundError
from docx.shared import Mm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment

from kangqiao.base.signatures import picture
from kangqiao.kernel.errors import RuleBroken

MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CODE, ADDRESS, MARK = "二维码", "验真网址", "指纹"  # untranslated: names in the template
ADDED = frozenset({CODE, ADDRESS, MARK})
CODE_WIDTH = Mm(24)
# The one fact that is a drawing: strokes in, a picture on the paper. A paper that nobody signed by hand has none.
SIGNATURE, SIGNATURE_WIDTH = "签名", Mm(50)  # untranslated: a name in the template
SHOWN_OF_MARK = 16
ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For, nodes.If, nodes.Not,
    nodes.And, nodes.Or,
)  # fmt: skip


def check(content: bytes, facts: Mapping[str, Any]) -> None:
    """Looks a template through by a sample of the facts, one line in every list.

    Raises RuleBroken that names what is wrong: an unknown placeholder, a command, a missing code, a torn brace."""
    try:
        asked = _names(content)
    except TemplateSyntaxError as torn:
        raise RuleBroken(
            _("占位符写得不完整：%(what)s") % {"what": torn.message}, next_step=_("请检查大括号是否成对。")
        ) from torn
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as broken:
        raise RuleBroken(_("这不是能打开的 Word 文档（.docx）。"), next_step=_("请用 Word 另存为 .docx。")) from broken
    known = _known(facts)
    unknown = sorted(asked - known)
    if unknown:
        raise RuleBroken(
            _("这些占位符不认识：%(names)s。") % {"names": "、".join(unknown)},
            next_step=_("能用的是：%(names)s。") % {"names": "、".join(sorted(known))},
        )
    if CODE not in asked:
        raise RuleBroken(_("缺少占位符“二维码”，印出来的文书无法核对真伪。"), next_step=_("请在合适的位置写上它。"))
    fill(content, facts, address="https://example.invalid/", fingerprint="0" * 64)


def fill(content: bytes, facts: Mapping[str, Any], *, address: str, fingerprint: str) -> bytes:
    """The finished Word file. Papers are Chinese whatever the reader's language."""
    template = DocxTemplate(io.BytesIO(content))
    code = io.BytesIO()
    segno.make(address, error="m").save(code, kind="png", scale=6, border=2)
    code.seek(0)
    drawn = picture(facts.get(SIGNATURE, ""))
    words = dict(facts) | {
        SIGNATURE: InlineImage(template, io.BytesIO(drawn), width=SIGNATURE_WIDTH) if drawn else "",
        CODE: InlineImage(template, code, width=CODE_WIDTH),
        ADDRESS: address,
        MARK: fingerprint[:SHOWN_OF_MARK],
    }
    with translation.override("zh-hans"):
        try:
            template.render(words, _environment(), autoescape=True)
        except UndefinedError as unknown:
            raise RuleBroken(_("模板里有填不出的地方：%(what)s") % {"what": unknown.message}) from unknown
    done = io.BytesIO()
    template.save(done)
    return done.getvalue()


def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(undefined=StrictUndefined)
    made.globals.clear()
    made.filters.clear()
    made.tests.clear()
    return made


def _parts(template: Any) -> Iterator[str]:
    """The text of a document with its headers and footers, as Jinja will read it."""
    template.init_docx()
    yield template.patch_xml(template.get_xml())
    for uri in (template.HEADER_URI, template.FOOTER_URI):
        for _key, part in template.get_headers_footers(uri):
            yield template.patch_xml(template.get_part_xml(part))


def _names(content: bytes) -> set[str]:
    """Every name a template asks for; of a line of a list the name behind the dot."""
    found: set[str] = set()
    for text in _parts(DocxTemplate(io.BytesIO(content))):
        tree = _environment().parse(text)
        for node in _walk(tree):
            if not isinstance(node, ALLOWED):
                raise RuleBroken(
                    _("模板里有不允许的写法：%(what)s。") % {"what": type(node).__name__},
                    next_step=_("只能写占位符、循环和条件。"),
                )
        bound = {one.target.name for one in tree.find_all(nodes.For) if isinstance(one.target, nodes.Name)}
        found |= {one.name for one in tree.find_all(nodes.Name)} - bound
        found |= {one.attr for one in tree.find_all(nodes.Getattr)}
    return found


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _known(facts: Mapping[str, Any]) -> set[str]:
    lists = [value for value in facts.values() if isinstance(value, list)]
    return set(facts) | ADDED | {name for rows in lists for row in rows[:1] for name in row}
