"""What a task costs: keys, clicks, page loads and seconds, counted in the browser (U-1), by keys alone (U-2)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journey_plugin import Site
from tests.journeys.steps import Person, door

pytestmark = pytest.mark.ux
# Every key and every press of the pointer a person makes; what a script clicks is none. Alt S is one key: the modifier
# that is held is not counted beside it.
COUNT = """
const one = name => e => { if (e.isTrusted) sessionStorage[name] = 1 + Number(sessionStorage[name] || 0); };
const held = ['Alt', 'Control', 'Shift', 'Meta'], key = one('uxKeys');
addEventListener('keydown', e => held.includes(e.key) || key(e), true);
addEventListener('pointerdown', one('uxClicks'), true);
"""
Costs = Callable[[str, str, str], None]


@dataclass
class Count:
    """What one task cost so far."""

    page: Page
    loads: int = 0
    written: int = 0
    began: float = 0.0

    def start(self) -> None:
        """From here on."""
        self.page.evaluate("() => { sessionStorage.uxKeys = 0; sessionStorage.uxClicks = 0; }")
        self.loads, self.written, self.began = 0, 0, time.perf_counter()

    def keys(self) -> int:
        """Keys pressed, without the sentences a doctor writes."""
        return int(self.page.evaluate("() => sessionStorage.uxKeys || 0"))

    def clicks(self) -> int:
        """Presses of a pointer."""
        return int(self.page.evaluate("() => sessionStorage.uxClicks || 0"))

    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.began

    def said(self) -> str:
        """For the table."""
        text = f" and {self.written} characters of free text" if self.written else ""
        words = f"{self.keys()} keys{text}, {self.clicks()} clicks, {self.loads} page loads, {self.seconds():.0f} s"
        return words


@pytest.fixture
def people(browser: Browser, desk: dict[str, Any]) -> Any:
    """How people come in; a fault in the console fails the walk.

    A call that a newer one took the place of is none: HTMX writes down that it ended.
    """
    faults: list[str] = []
    yield door(browser, desk, faults)
    assert [fault for fault in faults if "htmx:afterRequest" not in fault] == []


def counted(people: Any, name: str, **more: Any) -> tuple[Person, Count]:
    """Somebody at home, and what they do is counted."""
    who: Person = people(name, **more)
    who.page.wait_for_url("**/")
    count = Count(who.page)
    who.page.context.add_init_script(COUNT)
    who.page.on("domcontentloaded", lambda _page: setattr(count, "loads", count.loads + 1))
    who.page.reload()
    count.start()
    return who, count


def writes(who: Person, count: Count, words: str) -> None:
    """A sentence of the person's own, as an input method gives it: no key of the product's."""
    who.page.keyboard.insert_text(words)
    count.written += len(words)


def focused(page: Page) -> str:
    """The id of what has the focus."""
    return str(page.evaluate("() => document.activeElement.id"))


def test_desk_accepts_a_letter_after_reading_and_works_its_queue(people: Any, site: Site, costs: Costs) -> None:
    """Enter reads, 1 accepts, the next row has the focus, 2 returns with a reason: the page is never loaded again."""
    who, count = counted(people, "desk-zh_people1")
    queue = who.page.locator("#queue")
    rows = queue.locator("[data-item]")
    first, second = (rows.nth(n).get_attribute("id") for n in range(2))
    before = rows.count()

    who.keys("Enter")
    expect(who.page.locator(".drawer")).to_contain_text("现用药")
    read = count.keys()
    who.keys("1")
    expect(rows).to_have_count(before - 1)
    accepted = count.keys() - read
    at_next = focused(who.page)
    expect(queue.locator(f"#{first}")).to_have_count(0)
    who.sees("已接收并占号")
    who.keys("2")
    expect(who.page.locator("dialog[open] textarea")).to_be_focused()
    writes(who, count, "请补充最近一次心电图。")
    who.keys("Tab", "Enter")
    expect(rows).to_have_count(before - 2)
    counter = who.page.locator("#tiles a").first.locator(".n").inner_text()

    costs("worklist → accept a referral", "≤ 3 keys after reading", f"{accepted} key after reading; {count.said()}")
    assert accepted <= 3
    assert at_next == second
    assert counter == str(before - 2)
    assert (count.clicks(), count.loads) == (0, 0)
    costs("two letters worked inside the queue", "0 full page loads", f"{count.loads} page loads")


def test_doctor_writes_a_routine_hypertension_visit_by_keys(people: Any, site: Site, costs: Costs) -> None:
    """From the worklist: the resident by initials, Alt V, reason, pressure and pulse, Alt S; the diagnosis is there."""
    who, count = counted(people, "gp-xiangwan-1")
    page = who.page
    who.keys("Control+k", "l", "j", "z")
    expect(page.locator("#found-palette [aria-selected=true]")).to_contain_text("林惊蛰")
    who.keys("Enter")
    page.wait_for_url(re.compile("/residents/"))
    who.keys("Alt+v")
    page.wait_for_url(re.compile("/visit/"))
    expect(page.locator("#id_reason")).to_be_focused()
    writes(who, count, "高血压复诊")
    who.keys("Enter", *"138", *"86", "Enter", *"72", "Alt+s")
    who.sees("已同步到")

    costs("routine hypertension visit", "≤ 60 keys, 0 clicks", count.said())
    assert count.keys() <= 60
    assert count.clicks() == 0
    expect(page.locator("#main")).to_contain_text("收缩压 138 mmHg，舒张压 86 mmHg，脉搏 72 次/分")


def test_doctor_refers_with_a_reserved_place_by_keys(people: Any, site: Site, costs: Costs) -> None:
    """From the worklist: the resident by initials, the first specialty with places, a place by number, the letter."""
    who, count = counted(people, "gp-xiangwan-1")
    page = who.page
    who.keys("Control+k", "l", "j", "z")
    expect(page.locator("#found-palette [aria-selected=true]")).to_contain_text("林惊蛰")
    who.keys("Enter")
    page.wait_for_url(re.compile("/residents/"))
    who.keys("Alt+n")
    page.wait_for_url(re.compile("resident="))
    expect(page.locator("#id_specialty")).to_be_focused()
    who.keys("ArrowDown")
    places = page.locator("#slots [name=slot]:not([value=''])")
    expect(places.first).to_be_checked()
    who.keys("Alt+2")
    expect(places.nth(1)).to_be_checked()
    taken = page.locator("#slots .slot").nth(1).locator("b").inner_text()
    offered = page.locator("#id_specialty option:checked").inner_text()
    who.keys("Tab", "Tab", "Tab")
    expect(page.locator("#id_reason_code")).to_be_focused()
    # What the record speaks for is chosen already, and stays.
    if page.locator("#id_reason_code").input_value() == "":
        who.keys("ArrowDown")
    who.keys("Tab", "Tab", "Tab")
    for words in ("血压 162/98 mmHg，心率 80 次/分。", "缬沙坦 80mg 每日一次", "无"):
        writes(who, count, words)
        who.keys("Tab")
    who.keys("Tab", "Space", "Alt+s")
    who.sees("已发出转诊单")

    costs("referral with a reserved place", "≤ 25 keys, ≤ 60 s scripted, 0 clicks", count.said())
    assert count.keys() <= 25
    assert count.seconds() <= 60
    assert count.clicks() == 0
    assert re.search(r"\d+ 个号，最早 \d\d-\d\d \d\d:\d\d", offered)
    expect(page.locator("section.blk", has_text="就诊安排")).to_contain_text(taken)


def test_dispatcher_corrects_a_cell_and_publishes(people: Any, site: Site, costs: Costs) -> None:
    """From the worklist: open the draft, take a cell, move it, publish."""
    who, count = counted(people, "dispatcher")
    expect(who.page.locator("#queue")).to_contain_text("等您发布")
    who.keys("Enter")
    who.page.wait_for_url(re.compile("roster"))
    who.keys("ArrowDown")
    who.page.wait_for_function("() => document.activeElement.matches('[data-cell]')")
    who.keys("Enter")
    expect(who.page.locator("#panel")).to_contain_text("移到…")
    who.keys("m")
    expect(who.page.locator("button.rb-target").first).to_be_visible()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        if who.page.evaluate("() => document.activeElement.classList.contains('rb-target')"):
            break
        who.keys(key)
    who.keys("Enter")
    who.sees("排到了")
    who.keys("Alt+p")
    who.sees("排班已发布")

    costs("publish a corrected roster cell", "≤ 8 keys", count.said())
    assert count.keys() <= 8
    assert count.clicks() == 0


def test_resident_books_an_expert(people: Any, site: Site, costs: Costs) -> None:
    """On a phone; the booking can be taken back for 8 seconds."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    who, count = counted(people, "resident-linjingzhe", **phone)
    who.presses("预约专家")
    who.page.locator(".days a").first.click()
    who.page.locator(".slot:enabled").first.click()
    who.presses(re.compile("^(确认)?预约"))
    who.sees("已预约")
    taps = count.clicks()
    said = count.said()
    who.presses(re.compile("^撤销"))
    who.sees("已取消")

    costs("resident books an expert", "≤ 5 taps", said)
    assert taps <= 5


def test_words_typed_are_kept_and_stand_there_on_another_machine(people: Any, site: Site, costs: Costs) -> None:
    """Three seconds after the last key; the draft goes when the form has come through."""
    who, _count = counted(people, "guidance-zh_people1")
    who.opens("/agreements/new/")
    who.page.locator("#id_justification").fill("甲处中心为省级示范")
    began = time.perf_counter()
    expect(who.page.locator("[data-kept]")).to_have_text(re.compile(r"^已保存 \d\d:\d\d:\d\d$"))
    seconds = time.perf_counter() - began
    other: Person = people("guidance-zh_people1")
    other.opens("/agreements/new/")
    other.sees("已放回表单")
    found = other.page.locator("#id_justification").input_value()
    other.presses("不要了")
    expect(other.page.locator("#id_justification")).to_have_value("")

    costs(
        "words kept while typing", "every 3 s, 0 characters lost", f"kept after {seconds:.1f} s, all 9 characters there"
    )
    assert found == "甲处中心为省级示范"
