"""The words of the guide in Chinese: by what the walk says in English. A line without its Chinese fails the walk."""

from __future__ import annotations

import re

TITLE = "整条链：珠海的一周"
LEAD = "由浏览器里的测试写成（`pytest tests/journeys --pictures`）。医院和中心取自珠海的文件，人物虚构（演示）。"
WITHDRAWAL = (
    "停诊：一个都不丢",
    "由浏览器里的测试写成（`pytest tests/journeys/test_withdrawal.py --pictures`）。医院和中心取自珠海的文件，"
    "人物虚构（演示）。",
)
_BY = (
    "由浏览器里的测试写成（`pytest tests/journeys/test_two_ways.py --pictures`）。医院和中心取自珠海的文件，人物虚构。"
)
GREEN = ("一张单子，三样一起留", _BY)
HANDED_BACK = ("下转回来，有人跟到底", _BY)
SCHOOL = ("校园急诊", _BY)
WORDS = {
    "One letter: the visit, the CT and the bed are kept together": "一张单子：门诊号、CT 和床位一起留",
    "What is kept beside the visit is chosen in the same page": "要同时留什么，在同一页选",
    "The desk: three places wait for one press": "接收台：三样都留好了，按一下接收",
    "The letter with everything that is kept": "单子和留好的号、检查、床位",
    "At the window: received once a day, in three queues by points": "转诊专窗：一天签到一次，三个队按分排",
    "Who came today, and the three queues": "今天谁来了，三个队各排到哪里",
    "The patient stood in three queues without having asked for any of them, and the centre knows where.": (
        "居民没跑一次窗口就排上了三个队，中心也知道人在哪里。"
    ),
    "Handed back: medicines, plan and danger signs before anybody agrees": "下转：先看用药、计划和危险信号，再接收",
    "The plan of the hospital beside the worklist": "医院写的计划，就在待办旁边",
    "Forgotten: the doctor was reminded, now the manager knows": "忘了：先提醒医生，到期告诉中心主任",
    "The manager reads whose first contact is overdue": "主任看到谁的首次随访超时",
    "It stands on the worklist until it is done": "没做完就一直在待办里",
    "The contact came late, but it came; both houses read when.": "随访晚了，但做了；两边都看得到什么时候做的。",
    "At school, 10:00: reported from the telephone": "学校，10:00：用手机报",
    "What happened and how the student is; the emergency number stands above": (
        "出了什么事、学生怎么样；急救电话在最上面"
    ),
    "At the centre, 10:03: first on the worklist, sent on with one page": "中心，10:03：待办的第一件，一页转出",
    "Before everything else, with the minutes it waits": "排在最前面，写着等了几分钟",
    "What travels along stands beside": "随单子送去的就在旁边",
    "At the hospital: school, contact, first findings and both times": "医院：学校、联系人、第一眼看到的、两个时间",
    "An emergency needs no place; the desk accepts it as it is": "急诊不用占号，直接接收",
    "At school: one sentence, and nothing of the record": "学校：一句话，看不到档案",
    "Where the student goes": "学生去哪里",
    "Before: everybody whom it concerns": "停诊以前：先看牵涉到谁",
    "Twelve people, each with the nearest equal places": "十二个人，每人旁边是最近的同类空号",
    "Called off: told at once, and taken back when it was a mistake": "停诊：马上通知；按错了能撤销",
    "Who still waits for another place, with the telephone": "谁还在等另一个号，电话在旁边",
    "On the telephone: one tap": "手机上：点一下就改好",
    "Why, and three places to choose from": "为什么停，三个空号任选",
    "The worklist of the house: until each is settled": "出诊机构的待办：每一位有着落才消失",
    "Whom to call, and what is free for each": "给谁打电话，各有哪些空号",
    "Two have another place, one needs none, nine stand on the worklist: nobody is lost.": (
        "两位已另约，一位不用了，九位还在待办里：一个都没丢。"
    ),
    "Roster 排班: the dispatcher reviews the plan, moves one half-day and publishes": (
        "排班：排班员看方案，移一个半天，发布"
    ),
    "The board while a half-day is being moved": "正在移动一个半天的排班表",
    "Arrows, `M`, `Enter`, `Alt P`: no mouse. Cells that break a rule say why.": (
        "方向键、`M`、`Enter`、`Alt P`：不用鼠标。违反规则的格子写着原因。"
    ),
    "Agreement 协议: the centre signs next year's target agreement": "协议：社区中心签下一年的目标协议",
    "Parties, duties and the clause of each": "双方、各自的责任，和每项责任的条款",
    "Slots and booking 号源与预约: a resident books the expert who comes to the centre": (
        "号源与预约：居民约来社区坐诊的专家"
    ),
    "One time, for whom, where": "什么时间、给谁、在哪里",
    "Referral 转诊: the family doctor sends a letter and takes a reserved place with it": (
        "转诊：家庭医生写转诊单，同时占一个留给社区的号"
    ),
    "What is missing is counted while the letter is written": "一边写，一边数还差什么",
    "Referral desk 接收台: the hospital accepts one letter and returns one with a reason": (
        "接收台：医院接收一张，写明原因退回一张"
    ),
    "Letter, record and the places kept for the centres": "信、档案，和为社区留的号",
    "Down-referral 下转: the centre takes over a patient with a plan": "下转：社区中心带着方案接回患者",
    "Handed back with a plan and followed up": "带方案下转，接着随访",
    "Record 健康档案: the visit happens, the summary comes back to the centre": ("健康档案：看完病，小结回到社区"),
    "Sent, accepted, seen, answered, closed": "已发出、已接收、已就诊、已回信、已结案",
    "Attendance 出诊: the centre confirms that the expert came and what was done": "出诊：社区确认专家来了、做了什么",
    "Half-days of the week and the work of the month": "本周的半天和本月的工作量",
    "Indicators and appraisal 指标与考核: the bureau scores a hospital and closes its year": (
        "指标与考核：卫生局给一家医院打分，定案"
    ),
    "Every item with its value, target, weight and clause": "每一项有值、目标、权重和条款",
    "Money 经费: computed by payer, payable after the appraisal, paid": "经费：按付费方测算，考核定案后才能付，付出",
    "Who pays how much: held, payable, paid": "谁付多少：待考核、可拨付、已拨付",
    "Each yuan opens to formula, inputs and clause": "每一元都能点开到公式、数据和条款",
    "Publication 公示: drafted from agreements and postings, approved, public": "公示：从协议和派驻起草，审核，公开",
    "The public page, without sign-in": "公开的页面，不用登录",
    "一张图: one referral followed through every link": "一张图：跟着一张转诊单走完每一环",
    "The same letter in every link of the chain": "同一张单子在链上的每一环",
}
TAPS = re.compile(r"(\d+) taps from the first page to the booking\.")


def chinese(words: str) -> str:
    """The Chinese of one sentence. Raises KeyError for a sentence nobody has put into Chinese."""
    taps = TAPS.fullmatch(words)
    return f"从首页到约好，点 {taps.group(1)} 下。" if taps else WORDS[words]
