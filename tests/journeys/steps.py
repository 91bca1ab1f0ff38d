"""The words journeys are told in: people at their pages, what they press, and what they then see."""

from __future__ import annotations

import base64
import pathlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Browser, Locator, Page, expect

from kangqiao.pathways.demonstration import PASSWORD
from tests.journey_plugin import Clock, Site
from tests.journeys import in_chinese

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
WAIT_MS = 15_000
SETTLES_MS = 1_500  # what a page asks for while somebody types
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

    def takes(self, page: Page, name: str, words: str, again: Callable[[Page], None] | None = None) -> None:
        """A picture of what is on the screen now in each language, always of the same size.

        The English one is the same address in another tab, with the same words filled in; `again` does there what an
        address and words cannot say.
        """
        if not self.keep:
            return
        self.count += 1
        file = f"{self.name}-{self.count:02d}-{name}"
        picture(page, DOCS / "pictures" / f"{file}.zh-CN.webp")
        english(page, DOCS / "pictures" / f"{file}.webp", again)
        self.lines.append(f"![{words}](../pictures/{file}.webp)\n")
        self.chinese.append(f"![{in_chinese.chinese(words)}](../pictures/{file}.zh-CN.webp)\n")

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


# What somebody has filled in, field by field as they stand on the page.
FILLED = """() => [...document.querySelectorAll("main [name]")].filter(one => !["hidden", "file"].includes(one.type))
  .map(one => ({name: one.name, type: one.type, value: one.value, checked: !!one.checked}))"""
# How far each part of the page is scrolled.
SCROLLED = """() => Object.fromEntries([...document.querySelectorAll("*")].filter(one => one.scrollTop)
  .map(one => [one.tagName + one.className, one.scrollTop]))"""
SCROLL = """tops => document.querySelectorAll("*").forEach(one => {
  const top = tops[one.tagName + one.className] || 0;
  if (one.scrollTop !== top) one.scrollTop = top;
})"""
WEBP = """async png => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const made = new Uint8Array(await (await canvas.convertToBlob({type: "image/webp", quality: 0.72})).arrayBuffer());
  return btoa(Array.from(made, one => String.fromCharCode(one)).join(""));
}"""


def picture(page: Page, file: pathlib.Path) -> None:
    """The screen as a file of at most some ten kilobytes."""
    file.parent.mkdir(exist_ok=True)
    shot = page.screenshot(animations="disabled", caret="hide")
    with page.context.browser.new_page() as table:  # type: ignore[union-attr]
        file.write_bytes(base64.b64decode(table.evaluate(WEBP, base64.b64encode(shot).decode())))


def english(page: Page, file: pathlib.Path, again: Callable[[Page], None] | None = None) -> None:
    """The same screen for somebody who reads English, in a tab of its own; nothing is sent from there."""
    context, filled, scrolled = page.context, page.evaluate(FILLED), page.evaluate(SCROLLED)
    context.add_cookies([{"name": "kq-language", "value": "en", "url": urljoin(page.url, "/")}])
    try:
        with context.new_page() as tab:
            tab.set_viewport_size(page.viewport_size or {"width": 1366, "height": 768})
            tab.goto(page.url)
            tab.wait_for_load_state("networkidle")
            _fill(tab, filled)
            if again:
                again(tab)
            tab.wait_for_timeout(SETTLES_MS)
            tab.evaluate(SCROLL, scrolled)
            picture(tab, file)
    finally:
        context.clear_cookies(name="kq-language")


def _fill(tab: Page, filled: list[dict[str, Any]]) -> None:
    """Every field as it stands on the other page; a choice may bring further fields, so in their order."""
    now = {(one["name"], one["value"]): one for one in tab.evaluate(FILLED)}
    for one in filled:
        field, is_choice = f'main [name="{one["name"]}"]', one["type"] in ("radio", "checkbox")
        if is_choice and one["checked"]:
            # A box without words of its own says "on".
            tab.locator(field if one["value"] == "on" else f'{field}[value="{one["value"]}"]').first.check()
        elif one["type"].startswith("select"):
            if (one["name"], one["value"]) not in now:
                tab.locator(field).first.select_option(one["value"])
                tab.wait_for_load_state("networkidle")
        elif not is_choice and (one["name"], one["value"]) not in now:
            tab.locator(field).first.fill(one["value"])


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


__all__ = ["DOCS", "SETTLES_MS", "Album", "Clock", "Person", "Site", "door", "english", "picture", "sign_in"]
