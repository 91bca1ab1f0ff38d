"""Which Chromium walks the journeys, and where it came from.

    python -m tests.browser

The system's own; else Debian's package, when run as root; else Playwright's download. The same for a font with Chinese
characters, without which pictures show boxes. Says what it took; ends with status 1 if there is no browser at all.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

# The shell without a window's furniture draws the same pages in half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]


class NoBrowser(Exception):
    """No Chromium is here; the journeys fail, they are never left out."""


def system_browser() -> str | None:
    """The Chromium of this machine; KANGQIAO_BROWSER names another."""
    named = os.environ.get("KANGQIAO_BROWSER")
    return named or next((found for name in NAMES if (found := shutil.which(name)) and starts(found)), None)


def starts(program: str) -> bool:
    """True if it is a browser that runs: some systems keep a placeholder under that name."""
    done = subprocess.run([program, "--version", "--no-sandbox"], capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and "snap" not in done.stdout + done.stderr


def playwright_browser() -> str | None:
    """The Chromium that Playwright downloaded earlier."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if pathlib.Path(path).exists() else None


def debian_package(*names: str) -> bool:
    """Install Debian packages; only root can."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, capture_output=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def find() -> str:
    """The browser to use, without installing anything. Raises NoBrowser."""
    found = system_browser() or playwright_browser()
    if not found:
        raise NoBrowser("No Chromium is here. Run `make test`, which brings one, or set KANGQIAO_BROWSER to its path.")
    return found


def provide() -> str:
    """Find a browser or bring one, and tell which."""
    if found := system_browser():
        return f"browser: the system's {found}"
    for package in ("chromium-headless-shell", "chromium"):
        if debian_package(package) and (found := system_browser()):
            return f"browser: Debian's package {package} ({found})"
    if playwright_browser():
        return "browser: Playwright's own Chromium, downloaded earlier"
    command = [sys.executable, "-m", "playwright", "install"] + (["--with-deps"] if os.geteuid() == 0 else [])
    done = subprocess.run([*command, "chromium"], capture_output=True, text=True)
    if done.returncode == 0 and playwright_browser():
        return "browser: Playwright's own Chromium, downloaded now"
    raise NoBrowser(
        "No Chromium could be had: this machine has none, Debian's package could not be installed"
        f" ({'not root' if os.geteuid() else 'apt-get failed'}), and Playwright's download failed:"
        f" {(done.stderr or done.stdout).strip()[-300:]}"
    )


def provide_font() -> str:
    """A font with Chinese characters for readable pictures; its lack fails no test."""
    if has_chinese_font():
        return "font: Chinese characters are here"
    if debian_package("fonts-noto-cjk") and has_chinese_font():
        return "font: Debian's package fonts-noto-cjk"
    return "font: no Chinese font could be had; pictures will show boxes (install fonts-noto-cjk)"


def has_chinese_font() -> bool:
    """True if the system draws Chinese characters."""
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    try:
        print(f"· {provide()}")
    except NoBrowser as error:
        print(f"✗ {error}", file=sys.stderr)
        sys.exit(1)
    print(f"· {provide_font()}")
