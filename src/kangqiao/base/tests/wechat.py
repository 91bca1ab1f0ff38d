"""A small server on the loopback that answers as WeChat documents it: codes, tokens and template messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

APP, SECRET = "wx0123456789abcdef", "a secret of the app"
TEMPLATES = """
[message]
id = "TEMPLATE-PLAIN"
fields = { thing1 = "$house", time2 = "$sent", const3 = "新消息" }

[session_withdrawn]
id = "TEMPLATE-WITHDRAWN"
fields = { thing1 = "$where", time2 = "$time", const3 = "停诊" }
"""


class Official:
    """Knows one account; gives each code out for one person, once; takes each key once for each person."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.used: set[str] = set()
        self.tokens = ["token-1"]
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[str] = []
        # What the next messages are answered with, before anything else.
        self.answers: list[dict[str, Any]] = []
        # A token that is forgotten comes back in the usual way until somebody forces another.
        self.is_forgotten = False
        official = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                official.calls.append(parts.path)
                told = official.answer(self.command, parts.path, asked, json.loads(sent or b"{}"))
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _take

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.here = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, asked: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
        """What is said to one call."""
        known: dict[tuple[str, str], Callable[..., dict[str, Any]]] = {
            ("GET", "/sns/oauth2/access_token"): self._person,
            ("POST", "/cgi-bin/stable_token"): self._token,
            ("POST", "/cgi-bin/message/template/send"): self._message,
        }
        return known[method, path](asked, sent)

    def agree(self, there: str, openid: str) -> str:
        """The person comes by WeChat; what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        assert (asked["appid"], asked["scope"], asked["response_type"]) == (APP, "snsapi_base", "code")
        code = f"code-{len(self.codes)}"
        self.codes[code] = openid
        return f"?code={code}&state={asked['state']}"

    def _person(self, asked: dict[str, str], _sent: dict[str, Any]) -> dict[str, Any]:
        if (asked["appid"], asked["secret"]) != (APP, SECRET):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        code = asked["code"]
        if code in self.used:
            return {"errcode": 40163, "errmsg": "code been used"}
        if code not in self.codes:
            return {"errcode": 40029, "errmsg": "invalid code"}
        self.used.add(code)
        return {"access_token": "of the person", "expires_in": 7200, "openid": self.codes[code], "scope": "snsapi_base"}

    def _token(self, _asked: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
        if (sent["appid"], sent["secret"]) != (APP, SECRET):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if sent["force_refresh"]:
            self.tokens.append(f"token-{len(self.tokens) + 1}")
            self.is_forgotten = False
        return {"access_token": self.tokens[-1], "expires_in": 7200}

    def _message(self, asked: dict[str, str], sent: dict[str, Any]) -> dict[str, Any]:
        if asked["access_token"] != self.tokens[-1] or self.is_forgotten:
            return {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"}
        if self.answers:
            return self.answers.pop(0)
        self.messages.setdefault((sent["touser"], sent["client_msg_id"]), sent)
        return {"errcode": 0, "errmsg": "ok", "msgid": 200163836}


@contextmanager
def official(settings: Any, folder: Path) -> Iterator[Official]:
    """The stand-in runs, and the site is set to it."""
    one = Official()
    file = folder / "wechat-templates.toml"
    file.write_text(TEMPLATES, encoding="utf-8")
    settings.WECHAT = {
        "carrier": "wechat", "app": APP, "secret": SECRET, "templates": str(file), "link": "", "file": "",
        "api": one.here, "pages": "https://open.weixin.qq.com",
    }  # fmt: skip
    settings.OUTBOUND = [one.here]
    thread = Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()
