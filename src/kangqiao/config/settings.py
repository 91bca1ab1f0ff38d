"""Settings of the product. What a site may change comes from the environment; nothing here is policy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = False
DATA = Path(os.environ.get("KANGQIAO_DATA", "var")).resolve()
# The demonstration region the site shows: `zhuhai`, `all` or `none`. Only then do demo sign-in and gallery exist.
DEMO = os.environ.get("KANGQIAO_DEMO", "none")
# Invented people come in without a second factor, else nobody could step into them; the sign-in page says so. Everybody
# else always needs one. KANGQIAO_DEMO_SECOND_FACTOR=1 asks invented people too.
DEMO_WITHOUT_SECOND_FACTOR = DEMO != "none" and os.environ.get("KANGQIAO_DEMO_SECOND_FACTOR", "") != "1"
SECRET_KEY = os.environ.get("KANGQIAO_SECRET_KEY", "")
if not SECRET_KEY:
    secret_file = DATA / "secret-key"
    SECRET_KEY = secret_file.read_text().strip() if secret_file.exists() else "unset-" + os.urandom(24).hex()
ALLOWED_HOSTS = os.environ.get("KANGQIAO_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("KANGQIAO_ORIGINS", "").split(",") if origin]

MODULES = (
    "terminology",
    "institutions",
    "accounts",
    "messaging",
    "workforce",
    "residents",
    "records",
    "agreements",
    "scheduling",
    "roster",
    "contracting",
    "portal",
    "followup",
    "education",
    "stations",
    "quality",
    "referral",
    "indicators",
    "appraisal",
    "finance",
    "publication",
)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_cotton.apps.SimpleAppConfig",
    "django_htmx",
    "procrastinate.contrib.django",
    "kangqiao.base",
    *(f"kangqiao.domain.{module}" for module in MODULES),
    "kangqiao.edges",
]
# Where the indicators find the fact tables that modules declare.
FACTS = "kangqiao.config.facts.collect"

# What modules bring to the policies of rows beside their own tables (base/rows.py), lower ones first.
ROWS = (
    "kangqiao.domain.accounts.permissions.ROWS",
    "kangqiao.domain.residents.permissions.ROWS",
    "kangqiao.domain.contracting.permissions.ROWS",
    "kangqiao.domain.referral.permissions.ROWS",
    "kangqiao.edges.audit.queries.ROWS",
)

MIDDLEWARE = [
    "kangqiao.config.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "kangqiao.config.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kangqiao.config.middleware.SeatMiddleware",
    "kangqiao.config.phone.PhoneMiddleware",
    "kangqiao.config.limits.LimitsMiddleware",
    "kangqiao.config.room.RoomMiddleware",
    "kangqiao.base.drafts.DraftMiddleware",
    "kangqiao.config.middleware.ErrorMiddleware",
]
ROOT_URLCONF = "kangqiao.config.urls"
WSGI_APPLICATION = "kangqiao.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django_cotton.cotton_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "django.templatetags.i18n",
                "kangqiao.base.templatetags.kq",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "kangqiao.base.pages.reader",
                "kangqiao.base.drafts.waiting",
                "kangqiao.config.context.page",
                "kangqiao.edges.home.context.frame",
            ],
        },
    }
]
COTTON_DIR = "components"
# A component sees its own attributes and the context processors, never the page's variables by accident.
COTTON_ISOLATE_BY_DEFAULT = True


def database(url: str) -> dict[str, Any]:
    """The Django database settings for a PostgreSQL connection string or address."""
    parts = dict(conninfo_to_dict(url))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "kangqiao"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "CONN_MAX_AGE": 300,
        # A view and all it writes is one transaction, in which the database knows who acts (base/acting.py).
        "ATOMIC_REQUESTS": True,
        "CONN_HEALTH_CHECKS": True,
        # Of the questions that the server binds (base/prepared.py) it keeps the plan from the first time on.
        "OPTIONS": {"prepare_threshold": 0, **parts},
    }


DATABASES = {"default": database(os.environ.get("DATABASE_URL", "postgresql:///kangqiao"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["kangqiao.config.backends.AccountBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
# Single sign-on by OpenID Connect, if the site has a provider: its issuer address, and our client id and secret there.
SSO = {name: os.environ.get(f"KANGQIAO_OIDC_{name.upper()}", "") for name in ("issuer", "client", "secret")}
# Asked by `base.access` before a dangerous step.
PROOF = "kangqiao.domain.accounts.views.parts.ask_for_proof"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"

LANGUAGE_CODE = "zh-hans"
LANGUAGE_COOKIE_NAME = "kq-language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS: list[str] = []
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Where the site may call, such as `sso.example.cn,his.local:8443=10.1.2.3`; nowhere unless told (base/outbound.py).
OUTBOUND = os.environ.get("KANGQIAO_OUTBOUND", "").split(",")
# Who carries text messages (base/carriers.py): nobody unless told, or `console`, `file`, `http`, or a class of its own;
# the gateway's address must be in KANGQIAO_OUTBOUND too.
SMS = {name: os.environ.get(f"KANGQIAO_SMS_{name.upper()}", "") for name in ("carrier", "gateway", "secret", "file")}
SMS["file"] = SMS["file"] or str(DATA / "messages.jsonl")
# WeChat in the same way, by a service account (base/wechat.py): its app id and secret, the file of its templates, and
# the page a message opens. The addresses are WeChat's own unless a site goes by a proxy of its network.
WECHAT = {
    name: os.environ.get(f"KANGQIAO_WECHAT_{name.upper()}", "")
    for name in ("carrier", "app", "secret", "templates", "link", "file", "api", "pages")
}
WECHAT["file"] = WECHAT["file"] or str(DATA / "wechat.jsonl")
WECHAT["templates"] = WECHAT["templates"] or str(DATA / "wechat-templates.toml")
WECHAT["api"] = WECHAT["api"] or "https://api.weixin.qq.com"
WECHAT["pages"] = WECHAT["pages"] or "https://open.weixin.qq.com"
# What stays free on the disk of the data folder for the database's journal; forms are refused before it is used up.
ROOM_MB = int(os.environ.get("KANGQIAO_ROOM_MB", "64"))
# Calls of one person or address in a minute, in each process of the web server. A form has at most 2.5 MB.
REQUESTS_A_MINUTE = int(os.environ.get("KANGQIAO_REQUESTS_A_MINUTE", "600"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FILES = 1

SESSION_ENGINE = "kangqiao.base.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
# Behind TLS a site sets KANGQIAO_TLS=1; on loopback over plain HTTP a Secure cookie would never come back.
TLS = os.environ.get("KANGQIAO_TLS", "") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS else None
SECURE_SSL_REDIRECT = TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # the supervisor asks it on the loopback
# A browser takes a cookie of this prefix only with Secure, for this host and all of it: a neighbour cannot plant one.
_HOST_ONLY = "__Host-" if TLS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST_ONLY}sessionid", f"{_HOST_ONLY}csrftoken"
# Pages carry the mark of their forms themselves, also for HTMX (the header on <body>); no script reads the cookie.
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "kangqiao.edges.web.views.form_without_mark"
# Words to a person stay on the server, never in a cookie of the browser.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# `config.headers` sends these itself, on every answer; Django's own check asks for the settings.
SECURE_HSTS_SECONDS, SECURE_HSTS_INCLUDE_SUBDOMAINS = (31536000 if TLS else 0), TLS
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # X-Frame-Options: sent by config.headers
    "security.W021",  # preloading a whole domain in browsers is the domain owner's decision, not a program's
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "kangqiao.base.lines.OneLine", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("KANGQIAO_LOG", "WARNING")},
}
# Who signs the heads of the audit: a class or function that answers a `kernel.signatures.Signer`.
AUDIT_SIGNER = "kangqiao.base.signing.key_in_folder"

# Work that the clock starts; the worker imports these.
PROCRASTINATE_IMPORT_PATHS = [
    "kangqiao.edges.jobs.again",
    "kangqiao.edges.jobs.agreements",
    "kangqiao.edges.jobs.audit",
    "kangqiao.edges.jobs.contracting",
    "kangqiao.edges.jobs.education",
    "kangqiao.edges.jobs.followup",
    "kangqiao.edges.jobs.forms",
    "kangqiao.edges.jobs.imports",
    "kangqiao.edges.jobs.mydata",
    "kangqiao.edges.jobs.notices",
    "kangqiao.edges.jobs.portal",
    "kangqiao.edges.jobs.publication",
    "kangqiao.edges.jobs.referral",
    "kangqiao.edges.jobs.roster",
]
TEST_RUNNER = "django.test.runner.DiscoverRunner"
