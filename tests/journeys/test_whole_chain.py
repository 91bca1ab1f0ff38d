"""One week in Zhuhai: a promise becomes a half-day, a visit, a referral, a score, a payment and a public list.

With `--pictures` the walk also writes docs/guide/whole-chain.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journey_plugin import Site
from tests.journeys.steps import DOCS, SETTLES_MS, Album, Person, door, english, picture

ENOUGH_TAPS = 5
FRIDAY = 4
LEAD = (
    "Written by the journey test that walks the chain in a browser (`pytest tests/journeys --pictures`). Hospitals and"
    " centres are those of the Zhuhai paper; every person is invented (演示)."
)


class Walk:
    """The people of the walk and what each of them does; the clock stands where the last step left it."""

    def __init__(self, enter: Callable[..., Person], site: Site, album: Album) -> None:
        self.enter, self.clock, self.album = enter, site.clock, album
        self.letter = ""
        self.doctor = enter("gp-xiangwan-1")

    def when_the_dispatcher_moves_a_half_day_and_publishes_the_draft(self) -> None:
        """By keyboard alone: a cell, M, arrows, Enter, Alt P."""
        self.album.heads("Roster 排班: the dispatcher reviews the plan, moves one half-day and publishes")
        who = self.enter("dispatcher")
        expect(who.page.get_by_role("navigation", name="待办")).to_contain_text("待发布的排班")
        who.opens("/roster/")
        for _week in range(4):
            shown = who.page.locator(".pgh, h1").first.inner_text()
            who.keys("]")
            expect(who.page.locator(".pgh, h1").first).not_to_have_text(shown)
        who.sees("待发布")
        who.page.locator("a[data-cell].rc:not(.rb-free)").first.focus()
        who.keys("Enter")
        expect(who.page.locator("#panel")).to_contain_text("移到…")
        who.keys("m")
        expect(who.page.locator("button.rb-target").first).to_be_visible()
        self._reach(who, "rb-target")
        self.album.takes(who.page, "roster", "The board while a half-day is being moved", self._being_moved)
        who.keys("Enter")
        who.sees("排到了")
        who.keys("Alt+p")
        who.sees("排班已发布")
        self.album.says("Arrows, `M`, `Enter`, `Alt P`: no mouse. Cells that break a rule say why.")

    def _being_moved(self, page: Page) -> None:
        """The same half-day on its way, in the tab that is pictured for those who read English."""
        page.locator("a[data-cell].rc:not(.rb-free)").first.focus()
        page.keyboard.press("Enter")
        page.locator("#panel kbd", has_text="M").first.wait_for()
        page.wait_for_timeout(SETTLES_MS)
        page.keyboard.press("m")
        page.locator("button.rb-target").first.wait_for()
        self._reach(Person(page), "rb-target")

    def _reach(self, who: Person, name: str) -> None:
        """Arrow keys until the focus stands on a cell of that class."""
        for key in [*["ArrowRight"] * 9, "ArrowDown", *["ArrowLeft"] * 9, "ArrowUp", "ArrowUp", *["ArrowRight"] * 9]:
            if who.page.evaluate("name => document.activeElement.classList.contains(name)", name):
                return
            who.keys(key)
        pytest.fail("no lit cell was reached by the arrow keys")

    def when_the_centre_signs_the_target_agreement(self) -> None:
        """The last signature that is missing."""
        self.album.heads("Agreement 协议: the centre signs next year's target agreement")
        who = self.enter("manager-xiangwan")
        if self.album.keep:
            picture(who.page, DOCS / "pictures" / "home.zh-CN.webp")
            english(who.page, DOCS / "pictures" / "home.webp")
        who.page.get_by_role("navigation", name="待办").get_by_role("link", name=re.compile("待签署的协议")).click()
        who.opens("/agreements/?status=signing")
        who.page.locator("[data-open]").first.click()
        who.sees("还没签")
        self.album.takes(who.page, "agreement", "Parties, duties and the clause of each")
        who.presses(re.compile("^代表.*签署"))
        who.sees("已签署")

    def when_a_resident_books_an_expert_near_home(self) -> None:
        """On a phone, in at most five taps."""
        self.album.heads("Slots and booking 号源与预约: a resident books the expert who comes to the centre")
        who = self.enter("resident-linjingzhe", viewport={"width": 390, "height": 844}, has_touch=True)
        who.taps = 0
        who.presses("预约专家")
        who.page.locator(".days a").first.click()
        who.page.locator(".slot:enabled").first.click()
        self.album.takes(who.page, "booking", "One time, for whom, where")
        who.presses(re.compile("^(确认)?预约"))
        who.sees("已预约")
        taps = who.taps + 2
        assert taps <= ENOUGH_TAPS, f"{taps} taps"
        self.booking = who.page.url
        self.album.says(f"{taps} taps from the first page to the booking.")

    def when_the_doctor_refers_the_resident_up_with_a_reserved_place(self) -> None:
        """The letter and the place leave together."""
        self.album.heads("Referral 转诊: the family doctor sends a letter and takes a reserved place with it")
        who = self.doctor
        who.chooses("转诊")
        who.keys("Alt+n")
        who.page.fill("#find-person", "ljz")
        who.page.locator("#found-person [role=option]").first.click()
        # A list chosen from before the scripts of the page listen asks for no places.
        who.page.wait_for_url(re.compile("resident="))
        who.page.wait_for_load_state()
        # The specialties with places come first.
        who.page.select_option("#id_specialty", index=1)
        who.page.locator("#slots input[type=radio]:not([value=''])").first.check()
        who.fills("诊断", "I10 高血压")
        # The criterion the record speaks for is chosen already.
        expect(who.page.locator("#id_reason_code")).not_to_have_value("")
        who.page.fill("#id_history", "高血压五年，近两周血压波动。")
        who.page.fill("#id_examination", "血压 162/98 mmHg，心率 80 次/分。")
        who.page.fill("#id_medicines", "缬沙坦 80mg 每日一次")
        who.page.fill("#id_allergies", "无")
        who.page.locator("#id_has_consent").check()
        who.sees(re.compile("资料 (\\d)/\\1 项"))
        self.album.takes(who.page, "letter", "What is missing is counted while the letter is written")
        who.keys("Alt+s")
        who.sees("已发出转诊单")
        self.letter = who.page.url
        arranged = who.page.locator("section.blk", has_text="就诊安排").inner_text()
        day = re.search(r"(\d+)月(\d+)日", arranged)
        assert day is not None, f"the letter shows no day of the visit: {arranged}"
        self.visit = self.clock.on(int(day[1]), int(day[2]))
        self.number = re.search("ZZ[0-9-]+", who.page.title()).group()  # type: ignore[union-attr]

    def when_the_desk_accepts_one_letter_and_returns_another(self) -> None:
        """Queue, letter, record and places on one screen; keys 1 and 2."""
        self.album.heads("Referral desk 接收台: the hospital accepts one letter and returns one with a reason")
        who = self.enter("desk-zh_people1")
        who.chooses("接收台")
        number = self.letter.rstrip("/").rsplit("/", 1)[1]
        who.page.locator(f".queue a[href='?open={number}']").click()
        expect(who.page.locator(".paper")).to_contain_text("林惊蛰")
        self.album.takes(who.page, "desk", "Letter, record and the places kept for the centres")
        who.presses(re.compile("^接收"), inside=who.page.locator("footer.act"))
        who.sees("已接收并占号")
        other = who.page.locator(".queue [data-item]", has_text="狮山").first
        other.click()
        expect(who.page.locator(".paper")).to_contain_text("狮山")
        who.presses(re.compile("^退回"), inside=who.page.locator("footer.act"))
        who.gives_reason("请补充最近一次心电图和用药记录。")
        who.sees("已退回")
        self.hospital = who

    def when_the_visit_happens_and_the_summary_comes_back(self) -> None:
        """On the day of the place: seen, written, read."""
        self.album.heads("Record 健康档案: the visit happens, the summary comes back to the centre")
        self.clock.go_to(self.visit, time(11, 45))
        who = self.enter("desk-zh_people1")
        who.opens(self.letter)
        who.presses(re.compile("^确认就诊"))
        who.sees("已确认就诊")
        who.presses(re.compile("^写就诊小结"))
        who.page.fill("#id_reply", "诊断高血压2级。调整为缬沙坦氨氯地平。社区两周后复测血压。")
        who.presses(re.compile("^写就诊小结并回传"))
        who.sees("小结已回传")
        self.doctor = self.enter("gp-xiangwan-1")
        self.doctor.opens(self.letter)
        self.doctor.sees("社区两周后复测血压")
        self.doctor.presses(re.compile("^已阅结案"))
        self.doctor.sees("已结案")
        self.album.takes(self.doctor.page, "summary", "Sent, accepted, seen, answered, closed")

    def when_the_centre_takes_over_a_patient_handed_back(self) -> None:
        """Down with a plan; the first contact ends it."""
        self.album.heads("Down-referral 下转: the centre takes over a patient with a plan")
        who = self.doctor
        who.opens("/")
        with who.page.expect_response(re.compile(r"/\?")):
            who.page.get_by_role("navigation", name="待办").get_by_role("link", name=re.compile("待接收的下转")).click()
        who.page.wait_for_load_state("networkidle")
        who.page.locator("tr[data-item] [data-open]").first.click()
        who.sees("康复与随访计划")
        who.presses(re.compile("^接收并安排随访"))
        who.sees("已接收，请在时限内完成首次随访")
        who.page.get_by_role("navigation", name="待办").get_by_role("link", name=re.compile("待首次随访的下转")).click()
        expect(who.page.locator("#queue h2").first).to_have_text("待首次随访的下转")
        who.presses(re.compile("^记录首次随访"))
        who.page.fill("#id_note", "电话随访：血压 132/80，无不适，约两周后来中心。")
        who.presses(re.compile("^记录首次随访"))
        who.sees("下转完成")
        self.album.takes(who.page, "down", "Handed back with a plan and followed up")

    def when_the_centre_confirms_attendance_and_writes_down_the_work(self) -> None:
        """What the expert did is what counts later."""
        self.album.heads("Attendance 出诊: the centre confirms that the expert came and what was done")
        self.clock.go_to(self.visit + timedelta(days=FRIDAY - self.visit.weekday()), time(17, 40))
        who = self.enter("manager-xiangwan")
        who.chooses("出诊")
        who.presses(re.compile("^确认出诊"))
        who.sees("已出诊")
        card = who.page.locator("section.card", has=who.page.get_by_role("button", name="登记工作")).first
        card.get_by_label("人数").fill("12")
        card.get_by_label("主题").fill("高血压用药")
        card.get_by_role("button", name="登记工作").click()
        who.sees("已登记")
        self.album.takes(who.page, "attendance", "Half-days of the week and the work of the month")

    def when_the_bureau_scores_and_closes_the_appraisal(self) -> None:
        """The score comes from live rows; closing frees the money."""
        self.album.heads("Indicators and appraisal 指标与考核: the bureau scores a hospital and closes its year")
        who = self.enter("bureau-zhuhai")
        who.opens("/appraisals/?year=2024")
        who.page.locator("tr", has_text="省中医院").locator("[data-open]").click()
        who.presses(re.compile("^(评分|重新评分)"))
        who.sees(re.compile("得分 .*定案"))
        self.album.takes(who.page, "appraisal", "Every item with its value, target, weight and clause")
        who.presses(re.compile("^定案"))
        who.sees("定案会放出的经费")
        who.presses(re.compile("^确认定案"))
        who.sees("已于")
        self.bureau = who

    def when_the_finance_officer_computes_submits_and_pays(self) -> None:
        """Integer fen, by payer; only what an appraisal has freed."""
        self.album.heads("Money 经费: computed by payer, payable after the appraisal, paid")
        who = self.enter("finance-zhuhai")
        who.chooses("经费")
        who.page.select_option("#id_year", "2024")
        who.page.fill("#id_reason", "一家医院定案后重新测算")
        who.presses(re.compile("^测算"))
        who.sees("第 2 版")
        who.presses(re.compile("^提交"))
        who.sees("已提交")
        who.presses(re.compile("^登记拨付"))
        who.presses("确认已拨付")
        who.sees("已拨付")
        self.album.takes(who.page, "settlement", "Who pays how much: held, payable, paid")
        self.finance = who

    def then_each_yuan_opens_to_formula_inputs_and_clause(self) -> None:
        """One line, all the way down."""
        who = self.finance
        who.page.locator(".tree summary").first.click()
        who.page.locator(".tree a[href^='/finance/lines/']").first.click()
        for words in ("辖区经费总额", "市补助比例", "由谁支付", "年度考核", "ZH-4.2d"):
            who.sees(words)
        self.album.takes(who.page, "yuan", "Each yuan opens to formula, inputs and clause")
        tag = who.page.locator("a[href*='/clauses/ZH-4.2d']").first
        address = tag.get_attribute("href")
        assert address is not None, "the clause tag leads nowhere"
        who.opens(address)
        who.sees("12%")

    def when_the_office_drafts_and_the_bureau_approves_the_public_list(self) -> None:
        """Nothing is published without approval."""
        self.album.heads("Publication 公示: drafted from agreements and postings, approved, public")
        who = self.enter("guidance-xz_people2")
        who.chooses("公示")
        who.presses(re.compile("^准备 2025年名单"))
        who.sees("对口社区卫生服务机构")
        address = who.page.url
        who.presses(re.compile("^送审"))
        who.sees("名单和摘要已冻结")
        self.bureau.opens(address)
        self.bureau.presses(re.compile("^批准公示"))
        self.bureau.sees("已批准")
        who.opens(address)
        who.presses(re.compile("^公示 "))
        who.sees("任何人都能在公示网站看到")

    def then_anybody_reads_it_without_signing_in(self) -> None:
        """A stranger finds it, with its digest and without personal data."""
        who = self.enter()
        who.opens("/public/")
        row = who.page.locator("tr", has_text="香洲区第二人民医院").first
        row.get_by_role("link").first.click()
        who.sees("SHA-256")
        who.sees("按时")
        self.album.takes(who.page, "public", "The public page, without sign-in")

    def then_one_picture_follows_the_referral_through_every_link(self) -> None:
        """Agreement to publication, for one letter."""
        self.album.heads("一张图: one referral followed through every link")
        who = self.enter("gp-xiangwan-1")
        who.opens(self.letter)
        who.presses("在一张图上看")
        for words in (self.number, "协议", "公示"):
            who.sees(words)
        self.album.takes(who.page, "chain", "The same letter in every link of the chain")
        expect(who.page.locator("[aria-current=page]")).to_have_count(1)


def test_the_whole_chain_from_agreement_to_publication(
    browser: Browser, desk: dict[str, Any], site: Site, request: pytest.FixtureRequest
) -> None:
    """Each link hands something to the next one, and a person sees it do so."""
    faults: list[str] = []
    album = Album("journey", keep=request.config.getoption("--pictures"))
    walk = Walk(door(browser, desk, faults), site, album)

    walk.when_the_dispatcher_moves_a_half_day_and_publishes_the_draft()
    walk.when_the_centre_signs_the_target_agreement()
    walk.when_a_resident_books_an_expert_near_home()
    walk.when_the_doctor_refers_the_resident_up_with_a_reserved_place()
    walk.when_the_desk_accepts_one_letter_and_returns_another()
    walk.when_the_centre_takes_over_a_patient_handed_back()
    walk.when_the_visit_happens_and_the_summary_comes_back()
    walk.when_the_centre_confirms_attendance_and_writes_down_the_work()
    walk.when_the_bureau_scores_and_closes_the_appraisal()
    walk.when_the_finance_officer_computes_submits_and_pays()
    walk.then_each_yuan_opens_to_formula_inputs_and_clause()
    walk.when_the_office_drafts_and_the_bureau_approves_the_public_list()
    walk.then_anybody_reads_it_without_signing_in()
    walk.then_one_picture_follows_the_referral_through_every_link()

    album.binds(DOCS / "guide" / "whole-chain.md", "The whole chain, one week in Zhuhai", LEAD)
    assert not faults
