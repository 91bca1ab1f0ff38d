"""WeChat by a site's service account: whose id comes back with a code, and template messages to that id.

WeChat's interface as documented for service accounts: `sns/oauth2/access_token`, `cgi-bin/stable_token` and
`cgi-bin/message/template/send`, called by the one way out. No answer says more than that WeChat took a message: what
became of it comes as a push, for which no door is open (ADR 28, ADR 39).
"""

from __future__ import annotations

import json
import secrets
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from string import Template as Words
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from kangqiao.base import outbound
from kangqiao.base.carriers import REFUSED, Letter, NotCarried, Receipt, clean
from kangqiao.kernel.errors import RuleBroken

# How the issuers of ids begin that WeChat tells: nobody comes in by them.
ISSUERS = "wechat:"
# The words of the product for codes that say "never"; any other code but 0 says "later".
NEVER: Mapping[int, str | Promise] = {
    40003: _("这个微信身份不对，或不是本公众号的：请本人解除关联，再关联一次"),
    40037: _("模板编号不对：请系统管理员核对模板文件"),
    43004: _("本人没有关注公众号，或取消了关注"),
    43101: _("本人没有同意接收，或在微信里关了"),
    47003: _("模板的字段对不上：请系统管理员核对模板文件"),
}
_STALE = {40001, 40014, 42001}
# The longest a field of this kind may be.
_THING, _THING_LETTERS = "thing", 20
_FALLBACK = "message"
_TIME = "%Y年%m月%d日 %H:%M"  # untranslated: how WeChat takes a time


def issuer() -> str:
    """The name under which ids of this site's service account are kept: another account knows people by other ids."""
    return ISSUERS + settings.WECHAT["app"]


def can_link() -> bool:
    """Whether this site has a service account that people can tie to theirs."""
    return bool(settings.WECHAT["app"] and settings.WECHAT["secret"])


def ask(back: str) -> tuple[str, str]:
    """Where to send the browser, and the state that must come back with it. Only the id is asked for, no profile."""
    state = secrets.token_hex(32)
    words = {
        "appid": settings.WECHAT["app"], "redirect_uri": back, "response_type": "code", "scope": "snsapi_base",
        "state": state,
    }  # fmt: skip
    return f"{settings.WECHAT['pages']}/connect/oauth2/authorize?{urlencode(words)}#wechat_redirect", state


def openid_of(code: str) -> str:
    """The id of whoever came back with this code; a code is good once. Raises NotCarried."""
    words = {"appid": settings.WECHAT["app"], "secret": settings.WECHAT["secret"], "code": code}
    query = urlencode(words | {"grant_type": "authorization_code"})
    told = _call("GET", f"{settings.WECHAT['api']}/sns/oauth2/access_token?{query}")
    found = told.get("openid")
    if not isinstance(found, str) or not found:
        raise NotCarried(_said(told))
    return found


class Template:
    """Template messages of the service account; which template a kind of notice takes is a file of the site.

    The token is asked for anew in each run: WeChat gives the same one as long as it lasts, so none is kept.
    """

    leaves, reports = True, False

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told, self._token = told, ""

    def carry(self, letter: Letter) -> Receipt:
        """Hands the message over under its key. Raises NotCarried."""
        content = self._content(letter)
        told = self._send(content)
        if told.get("errcode") in _STALE:
            self._renew()
            told = self._send(content)
        code = told.get("errcode")
        if code == 0:
            return Receipt(clean(told.get("msgid")) or letter.key)
        if code in NEVER:
            return Receipt(letter.key, REFUSED, _said(told))
        raise NotCarried(_said(told))

    def ask(self, number: str, *, at: datetime) -> Receipt:
        """WeChat does not tell what became of a message."""
        return Receipt(number)

    def _send(self, content: dict[str, Any]) -> dict[str, Any]:
        token = self._token or self._fetch(force=False)
        query = urlencode({"access_token": token})
        return _call("POST", f"{self._told['api']}/cgi-bin/message/template/send?{query}", content)

    def _renew(self) -> None:
        """Another token; by force, which WeChat allows twenty times a day, only where the same one comes again."""
        stale = self._token
        if self._fetch(force=False) == stale:
            self._fetch(force=True)

    def _fetch(self, *, force: bool) -> str:
        asked = {"grant_type": "client_credential", "appid": self._told["app"], "secret": self._told["secret"]}
        told = _call("POST", f"{self._told['api']}/cgi-bin/stable_token", asked | {"force_refresh": force})
        if not told.get("access_token"):
            raise NotCarried(_said(told))
        self._token = str(told["access_token"])
        return self._token

    def _content(self, letter: Letter) -> dict[str, Any]:
        fields = _read(self._told["templates"])
        found = fields.get(letter.template) or fields.get(_FALLBACK)
        if not found:
            raise NotCarried(f"{Path(self._told['templates']).name}: no template {letter.template}, and no {_FALLBACK}")
        values = letter.values | {"sent": f"{localtime(letter.at):{_TIME}}"}
        try:
            data = {
                name: {"value": _cut(name, Words(words).substitute(values))} for name, words in found["fields"].items()
            }
            content = {"touser": letter.to, "template_id": str(found["id"]), "data": data, "client_msg_id": letter.key}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotCarried(f"{Path(self._told['templates']).name}: {letter.template}: {error!r}") from error
        return content | ({"url": self._told["link"]} if self._told["link"] else {})


def _read(path: str) -> dict[str, Any]:
    """The site's templates by kind: `id`, and `fields` with the words of each. Raises NotCarried."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotCarried(f"{Path(path).name}: {type(error).__name__}: {error}") from error


def _cut(name: str, value: str) -> str:
    return value[: _THING_LETTERS - 1] + "…" if name.startswith(_THING) and len(value) > _THING_LETTERS else value


def _call(method: str, url: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    """One call and its answer. What is said of a failure never holds the address: secret and token stand in it."""
    body = json.dumps(content, ensure_ascii=False).encode() if content is not None else None
    try:
        answer = outbound.call(method, url, body=body, headers={"Content-Type": "application/json"})
        told = json.loads(answer.body) if answer.status == 200 else None
    except RuleBroken as error:
        raise NotCarried(str(error)) from error
    except (*outbound.UNANSWERED, ValueError) as error:
        raise NotCarried(type(error).__name__) from error
    if not isinstance(told, dict):
        raise NotCarried(f"HTTP {answer.status}")
    return told


def _said(told: dict[str, Any]) -> str:
    """Code and words of an answer that is no success."""
    return clean(f"{told.get('errcode', '')} {told.get('errmsg', '')}".strip() or "no answer to what was asked")
