"""What every answer tells the browser: from where it may load, what it must not keep, how it must connect."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

# Pages hold no inline script, so nothing inline needs a nonce: scripts and styles are files of this site or nothing.
CONTENT_POLICY = "; ".join((
    "default-src 'self'", "script-src 'self'", "script-src-attr 'none'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "object-src 'none'", "frame-src 'none'", "worker-src 'self'",
    "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "report-uri /csp-report/",
))  # fmt: skip
# What a page of ours never asks of a browser; reading aloud needs no permission.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid",
        "magnetometer", "microphone", "midi", "payment", "serial", "usb",
        "xr-spatial-tracking",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
}
HSTS = "max-age=31536000; includeSubDomains"
# The web server would name itself otherwise.
SERVER = "kangqiao"


class HeadersMiddleware:
    """The outermost layer: its headers stand on pages, files, refusals and errors, and no view can weaken them."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers["Server"] = SERVER
        if settings.TLS:
            response.headers["Strict-Transport-Security"] = HSTS
        _keep_out_of_caches(request, response)
        for cookie in response.cookies.values():
            # For preferences too: no script of ours reads or writes a cookie.
            cookie["secure"] = cookie["secure"] or settings.TLS
            cookie["httponly"] = True
            cookie["samesite"] = cookie["samesite"] or "Lax"
        return response


def _keep_out_of_caches(request: HttpRequest, response: HttpResponse) -> None:
    """Files of the product may be kept; pages of somebody signed in never; others are asked for again each time."""
    if request.path.startswith(settings.STATIC_URL) and response.status_code in (200, 206, 304):
        return
    is_signed_in = getattr(request, "seat", None) is not None or settings.SESSION_COOKIE_NAME in request.COOKIES
    if is_signed_in or request.method not in ("GET", "HEAD"):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers.setdefault("Cache-Control", "no-cache")
