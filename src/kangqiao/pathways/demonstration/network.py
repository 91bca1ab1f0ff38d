"""Places and organisations, from the data files of the packs; a number stands in where the paper gives no name."""

from __future__ import annotations

from typing import Any

from kangqiao import policy
from kangqiao.domain.institutions import actions as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.terminology import actions as terminology
from kangqiao.pathways.demonstration.run import Run

ZHUHAI, CITY = "zhuhai-lianjian", "4404"
# Whose guidance office is not registered yet, so that the city's view has someone to name (ZH-4.1a).
WITHOUT_OFFICE = "xz_people2"

SHORT_NAMES = {
    "zh_people1": "市人民医院", "zh_people2": "市二院", "xz_people": "香洲人民医院", "zh_mch": "市妇幼",
    "sysu5": "中大五院", "gdtcm_zh": "省中医珠海医院", "xz_people2": "香洲二院",
}  # fmt: skip

# Invented: no source gives the people served by each centre. Those of Xiangzhou add up to the district's population of
# the 2020 census, so that sums of money come out in their true order of size.
POPULATION_SERVED = {
    "c_xiangwan": 118_000, "c_shishan": 104_000, "c_gongbei": 142_000, "c_qianshan": 131_000, "c_qianshanbei": 87_000,
    "c_wanzai": 62_000, "c_cuixiang": 112_000, "c_meihua": 123_000, "c_jida": 98_000, "c_nanping": 82_000,
    "c_huafa": 65_126, "c_hongqi": 62_000, "c_sanzao": 71_000, "c_hengqin": 46_000, "c_jinding": 84_000,
    "c_pingsha": 53_000,
}  # fmt: skip

# Names of the two authorities of each district; annex 1 names the health side of each, the finance side follows it.
AUTHORITIES = {
    "xiangzhou": ("香洲区卫生局", "香洲区财政局"),
    "jinwan": ("金湾区卫生局", "金湾区财政局"),
    "doumen": ("斗门区卫生局", "斗门区财政局"),
    "hengqin": ("横琴新区社会事业局", "横琴新区财政局"),
    "gaoxin": ("高新区人口计生与卫生局", "高新区财政局"),
    "gaolangang": ("高栏港区人口计生与卫生局", "高栏港区财政局"),
}


def load_concepts(run: Run) -> int:
    """The code lists every installation needs."""
    return terminology.load_concepts(by=run.by, at=run.at)


def load_zhuhai(run: Run) -> int:
    """Six districts, seven hospitals, sixteen centres, the authorities of city and districts, guidance offices."""
    data = policy.default().pack(ZHUHAI).data("network")
    city = _place(run, CITY, "珠海市", "Zhuhai", None)
    districts = {
        key: _place(run, row["code"], row["zh"], row["en"], city, is_zone=row["code_kind"] == "extension")
        for key, row in data["districts"].items()
    }
    _authorities(run, "zhuhai", city, "珠海市卫生局", "珠海市财政局")
    _organization(run, "zhuhai-insurer", Organization.Kind.INSURER, "珠海市医疗保障经办机构", city)
    for key, (health, finance) in AUTHORITIES.items():
        _authorities(run, key, districts[key], health, finance)
    for row in data["hospitals"]:
        # A district's hospital lies in its district; all others answer to the city, whatever street they stand in.
        place = districts["xiangzhou"] if row["ownership"] == "district" else city
        _hospital(run, row, place)
    for row in data["centres"]:
        _centre(run, row, districts[row["district"]])
    return Place.objects.count() + Organization.objects.count()


def load_luohu(run: Run) -> int:
    """The Luohu group: five hospitals and twenty-three centres, by number."""
    data = policy.default().pack("shenzhen-2017-medical-group").data("network")
    place = _district(run, data["districts"]["luohu"], "4403", "深圳市", "Shenzhen")
    group = data["groups"][0]
    parent = _organization(run, group["id"], Organization.Kind.GROUP, group["zh"], place, en=group["en"])
    for row in data["hospitals"]:
        _organization(
            run, row["id"], Organization.Kind.HOSPITAL, row["zh"], place, en=row["en"], part_of_id=parent.pk,
            ownership=row["ownership"], is_stand_in=row.get("stand_in", False),
        )  # fmt: skip
    for row in data["centres"]:
        _centre(run, row, place, part_of_id=parent.pk)
    return 1 + len(data["hospitals"]) + len(data["centres"])


def load_futian(run: Run) -> int:
    """Futian: eleven regional institutions, by number."""
    data = policy.default().pack("futian-2018-seven-synergies").data("network")
    place = _district(run, data["districts"]["futian"], "4403", "深圳市", "Shenzhen")
    for row in data["regional_centres"]:
        _centre(run, row, place)
    return len(data["regional_centres"])


def load_xuhui(run: Run) -> int:
    """Xuhui: the centres its task table names."""
    data = policy.default().pack("xuhui-2023-capacity").data("network")
    place = _district(run, data["districts"]["xuhui"], "3101", "上海市", "Shanghai")
    for row in data["centres"]:
        _centre(run, row, place)
    return len(data["centres"])


def _district(run: Run, row: dict[str, Any], city_code: str, city_zh: str, city_en: str) -> Place:
    city = Place.objects.filter(code=city_code).first() or _place(run, city_code, city_zh, city_en, None)
    return _place(run, row["code"], row["zh"], row["en"], city)


def _place(run: Run, code: str, zh: str, en: str, part_of: Place | None, *, is_zone: bool = False) -> Place:
    return institutions.create_place(
        code=code,
        zh=zh,
        en=en,
        part_of_id=part_of.pk if part_of else None,
        is_functional_zone=is_zone,
        by=run.by,
        at=run.at,
    )


def _organization(run: Run, code: str, kind: str, zh: str, place: Place, **more: Any) -> Organization:
    return institutions.create_organization(
        code=code, kind=kind, zh=zh, place_id=place.pk, is_demo=True, by=run.by, at=run.at, **more
    )


def _authorities(run: Run, key: str, place: Place, health: str, finance: str) -> None:
    _organization(run, f"{key}-health", Organization.Kind.HEALTH_BUREAU, health, place)
    _organization(run, f"{key}-finance", Organization.Kind.FINANCE_BUREAU, finance, place)


def _hospital(run: Run, row: dict[str, Any], place: Place) -> None:
    hospital = _organization(
        run, row["id"], Organization.Kind.HOSPITAL, row["zh"], place, en=row["en"], short_zh=SHORT_NAMES[row["id"]],
        level=row["level"], ownership=row["ownership"],
    )  # fmt: skip
    if row["id"] != WITHOUT_OFFICE:
        institutions.register_guidance_office(hospital_id=hospital.pk, by=run.by, at=run.at)


def _centre(run: Run, row: dict[str, Any], place: Place, **more: Any) -> None:
    short = row["zh"].removeprefix(place.zh).removesuffix("社区卫生服务中心").removesuffix("（编号代称）")
    _organization(
        run, row["id"], Organization.Kind.CENTRE, row["zh"], place, en=row["en"], short_zh=short,
        population_served=POPULATION_SERVED.get(row["id"]), is_stand_in=row.get("stand_in", False), **more,
    )  # fmt: skip
