"""The words journeys are told in: people at their pages, what they press, and what they then see."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from kangqiao.pathways.demonstration import PASSWORD
from tests.journey_plugin import Clock, Site
from tests.journeys import in_chinese

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)


class Person:
    """Somebody signed in at a browser of their own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taps = 0
        page.set_default_timeout(WAIT_MS)

    def opens(self, address: str) -> None:
        """Go to an address of the product."""
        self.page.goto(address)

    def chooses(self, label: str) -> None:
        """Press an entry of the rail and wait until its page is the present one."""
        entry = self.page.get_by_role("navigation", name="主导航").get_by_role("link", name=label)
        entry.click()
        expect(entry).to_have_attribute("aria-current", "page")
        self.page.wait_for_load_state()

    def presses(self, name: str | re.Pattern[str], inside: Locator | None = None) -> None:
        """Press the one button or link of this name."""
        self.taps += 1
        (inside or self.page).get_by_role("button", name=name).or_(
            (inside or self.page).get_by_role("link", name=name)
        ).first.click()

    def fills(self, label: str, text: str) -> None:
        """Write into the field of this label."""
        self.page.get_by_label(label).first.fill(text)

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other, as somebody would who never touches the mouse.

        A page that has just come shows its heading before its script listens; the person waits until it has arrived.
        """
        self.page.wait_for_load_state()
        for key in keys:
            self.page.keyboard.press(key)

    def fits(self) -> None:
        """Nothing stands beyond the edge of the screen, once the page has come with its style."""
        self.page.wait_for_load_state()
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def gives_reason(self, text: str) -> None:
        """Write the reason the open dialog asks for, and send it."""
        dialog = self.page.locator("dialog[open]")
        dialog.get_by_label("请写明原因").fill(text)
        dialog.locator(".df button").first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until the words stand on the page."""
        expect(self.page.locator("body")).to_contain_text(text)


class Album:
    """Keeps the pictures and sentences of a walk when they are wanted, and nothing otherwise."""

    def __init__(self, name: str, *, keep: bool) -> None:
        self.name, self.keep = name, keep
        self.lines: list[str] = []
        self.chinese: list[str] = []
        self.count = 0

    def says(self, sentence: str) -> None:
        """One sentence of the walk."""
        self._write("{}\n", sentence)

    def heads(self, title: str) -> None:
        """The title of the next link of the chain."""
        self._write("## {}\n", title)

    def takes(self, page: Page, name: str, words: str) -> None:
        """A picture of what is on the screen now, always of the same size."""
        if not self.keep:
            return
        self.count += 1
        file = DOCS / "pictures" / f"{self.name}-{self.count:02d}-{name}.jpg"
        picture(page, file)
        self._write(f"![{{}}](../pictures/{file.name})\n", words)

    def binds(
        self, file: pathlib.Path, title: str, lead: str, heads: tuple[str, str] = (in_chinese.TITLE, in_chinese.LEAD)
    ) -> None:
        """Write the page of the guide in both languages; `heads` are title and lead in Chinese."""
        if self.keep:
            pages = {file: (title, lead, self.lines)}
            pages[file.with_suffix(".zh-CN.md")] = (*heads, self.chinese)
            file.parent.mkdir(exist_ok=True)
            for page, (head, first, lines) in pages.items():
                page.write_text(f"# {head}\n\n{first}\n\n" + "\n".join(lines), encoding="utf-8")

    def _write(self, line: str, words: str) -> None:
        self.lines.append(line.format(words))
        self.chinese.append(line.format(in_chinese.chinese(words)))


def picture(page: Page, file: pathlib.Path) -> None:
    """The screen as a file of at most some hundred kilobytes."""
    file.parent.mkdir(exist_ok=True)
    page.screenshot(path=file, type="jpeg", quality=70, animations="disabled", caret="hide")


def door(browser: Browser, desk: dict[str, Any], faults: list[str]) -> Callable[..., Person]:
    """How people come in: each with a browser of their own, whose console errors are gathered in `faults`."""

    def enter(username: str = "", **more: Any) -> Person:
        page = browser.new_context(**{**desk, **more}).new_page()
        page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        person = Person(page)
        if username:
            sign_in(person, username)
        return person

    return enter


def sign_in(person: Person, username: str, password: str = PASSWORD) -> None:
    """Come in by name and password."""
    person.opens("/sign-in/")
    person.page.fill("#id_username", username)
    person.page.fill("#id_password", password)
    person.page.get_by_role("button", name=re.compile("^登录|^Sign in")).first.click()


__all__ = ["DOCS", "Album", "Clock", "Person", "Site", "door", "picture", "sign_in"]
