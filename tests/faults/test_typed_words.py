"""The web server is killed in the middle of a form: whoever signs in again finds every character (U-7)."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import time

import pytest
from playwright.sync_api import Browser, Page, expect

from kangqiao.pathways.demonstration import PASSWORD
from tests.faults.live import LiveSite, kangqiao

NAME, PAGE = "guidance-zh_people1", "/agreements/new/"
BEFORE, AFTER = "甲处中心为省级示范，", "等级暂缺，已请区卫生局补齐。"


def comes_in(browser: Browser, site: LiveSite) -> Page:
    """Somebody signs in at a browser of their own and opens the form."""
    page = browser.new_context(base_url=f"http://127.0.0.1:{site.port}", locale="zh-CN").new_page()
    page.goto("/sign-in/")
    page.fill("#id_username", NAME)
    page.fill("#id_password", PASSWORD)
    page.locator("form button.btn").first.click()
    page.wait_for_url("**/")
    page.goto(PAGE)
    return page


@pytest.mark.slow
def test_server_killed_in_mid_form_loses_no_character(tmp_path: pathlib.Path, browser: Browser) -> None:
    """Killed while somebody types, who goes on typing; another machine then shows all of it."""
    site = LiveSite(tmp_path / "site", [], [], 0, 0)
    words = ("up", "--detach", "--port", str(site.port), "--data", str(site.data), "--demo", "zhuhai")
    began = kangqiao(*words)
    assert began.returncode == 0, began.stdout + began.stderr
    try:
        page = comes_in(browser, site)
        typed = page.locator("#id_justification")
        typed.press_sequentially(BEFORE)
        expect(page.locator("[data-kept]")).to_have_text(re.compile("已保存"), timeout=15_000)
        typed.press_sequentially(AFTER[:4])

        said, killed = page.locator("[data-kept]").inner_text(), site.child("granian")
        os.kill(killed, signal.SIGKILL)
        typed.press_sequentially(AFTER[4:])
        deadline = time.monotonic() + 60
        while site.child("granian") == killed and time.monotonic() < deadline:
            time.sleep(0.1)
        site.wait_well(90)
        expect(page.locator("[data-kept]")).not_to_have_text(said, timeout=60_000)
        page.wait_for_timeout(4_000)
        found = comes_in(browser, site).locator("#id_justification").input_value()
    finally:
        kangqiao("down", "--data", site.data)

    assert typed.input_value() == BEFORE + AFTER
    assert found == BEFORE + AFTER
