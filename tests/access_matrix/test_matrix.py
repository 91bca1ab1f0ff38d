"""The matrix: every URL by every method and actor, on rows of ours, of a partner, of a former partner, of a stranger.

What must come back follows from the declaration on the view and the table of reach. Beyond it: no answer, refusals and
files included, holds a mark of what is out of reach; nobody changes a row but those the probe names; nothing ends in an
error of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.urls import path
from django.utils import timezone

from kangqiao.base.access import access
from kangqiao.base.checks import methods
from kangqiao.domain.accounts.models import Role
from kangqiao.pathways.chain import FOLLOWERS
from kangqiao.pathways.reach import KINDS
from tests.access_matrix import (
    community_probes,
    contract_probes,
    delivery_probes,
    education_probes,
    followup_probes,
    green_probes,
    helper_probes,
    more_probes,
    portal_probes,
    probes,
    record_probes,
    school_probes,
    slot_probes,
    survey_probes,
    waitlist_probes,
    weekly_probes,
    withdrawal_probes,
)
from tests.access_matrix.cells import (
    ACTORS,
    FOLLOWED,
    MARKED,
    NOBODY,
    Address,
    Answer,
    addresses,
    ask,
    body,
    leaks,
    listed,
    reaches,
    signed_in,
)
from tests.access_matrix.probes import Probe
from tests.access_matrix.world import SEATS, Side

PROBES = (
    *probes.PROBES, *more_probes.PROBES, *contract_probes.PROBES, *record_probes.PROBES, *slot_probes.PROBES,
    *green_probes.PROBES,
    *portal_probes.PROBES, *followup_probes.PROBES, *education_probes.PROBES, *helper_probes.PROBES,
    *community_probes.PROBES, *school_probes.PROBES, *waitlist_probes.PROBES, *survey_probes.PROBES,
    *withdrawal_probes.PROBES, *delivery_probes.PROBES, *weekly_probes.PROBES,
)  # fmt: skip
WITHOUT_TRACE = probes.WITHOUT_TRACE | more_probes.WITHOUT_TRACE
Measured = Callable[[str], None]
Sides = dict[str, Side]
# An address asked for a row of ours, with every id of somebody else in its query.
IDS = (
    "resident={resident.pk}&origin={referral.pk}&open={referral.pk}&slot={slot.pk}&encounter={encounter.pk}"
    "&to_organization={hospital.pk}&specialty=cardiology&hospital={hospital.pk}&centre={centre.pk}&posting={posting.pk}"
    "&q={gp.user_id}&cell={centre.pk}.{half_day.day}.am&week={half_day.day}&day={half_day.day}"
)
HALTED = (409, 422)
# What each centre writes for all of them, with its name.
SHARED = ("education-desk",)
# Pages that answer only while something is under way: a worker for the health report, an app being added, a look, a
# demonstration.
NOT_NOW = ("healthz", "gallery", "accounts-app-picture", "residents-ask", "sso-start", "sso-back", "sso-bind")


def faults(address: Address, actor: str, method: str, relation: str, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer, judged by the declaration on the view and the reach of the actor."""
    said = f"{actor} {method} /{address.route} ({address.name}, {relation} {address.kinds}) → {answer.status}"
    if answer.status >= 500 and address.name not in NOT_NOW:
        yield f"{said}: an error of the server, {answer.error}"
    elif method not in methods(address.pattern) and (answer.status == 405 or address.admits(actor)):
        if answer.status != 405:
            yield f"{said}: the view does not take this method"
    elif not address.admits(actor):
        yield from _refused(said, actor, answer)
    elif not address.shows(actor, relation):
        if not answer.is_refusal:
            yield f"{said}: a row out of reach must be refused"
    elif method == "GET" and answer.status >= 400 and answer.status not in HALTED and address.name not in NOT_NOW:
        yield f"{said}: within reach, so it must open"


# The one name an address hands out to whom no record is open, written down each time: what is shown of one's own alone.
ONE_NAME = {"quality-contact": "own's resident"}


def _refused(said: str, actor: str, answer: Answer) -> Iterator[str]:
    if actor in NOBODY and not (answer.status == 302 and answer.location.startswith("/sign-in/")):
        yield f"{said}: somebody who is not signed in goes to the sign-in page"
    elif actor not in NOBODY and answer.status != 403:
        yield f"{said}: this role is refused"


def marks(sides: Sides, actor: str, address: Address, relation: str, answer: Answer) -> Iterator[str]:
    """What an answer shows that it must not: marks out of reach, and names of a stranger's houses."""
    said = f"{actor} /{address.route} ({address.name}, {relation}) → {answer.status}"
    shown = [leak for leak in leaks(sides, actor, answer) if leak != ONE_NAME.get(address.name) or relation != "own"]
    yield from (f"{said}: holds {leak}" for leak in shown)
    is_open = address.name.startswith("public-") or address.name in SHARED
    is_open |= relation == "stranger" and address.shows(actor, relation)
    if sides["stranger"].house in answer.text and not is_open:
        yield f"{said}: names a house of the stranger's"


@pytest.mark.trust("T-ACL-1")
@pytest.mark.parametrize("actor", ACTORS)
def test_pages(actor: str, sides: Sides, measured: Measured, nth: int) -> None:
    ours, found, cells = sides["own"], [], 0
    client = signed_in(ours, actor)

    for address in addresses()[ACTORS.index(actor) % nth :: nth]:
        for method, relation, url in _asked(address, actor, sides):
            answer = ask(client, method, url)
            cells += 1
            if "?" not in url:
                found += faults(address, actor, method, relation, answer)
            found += marks(sides, actor, address, relation, answer)
            found += [f"{actor} {method} {url}: changed {answer.changed}" for _one in answer.changed]

    assert not found, "\n".join(("", *found))
    measured(f"{actor}: {cells} requests, {cells * len(MARKED) * len(sides)} marks looked for, 0 foreign")


def _asked(address: Address, actor: str, sides: Sides) -> Iterator[tuple[str, str, str]]:
    """Method, relation and URL of every request without a form.

    Where the declaration refuses the actor, one row is as good as another: a stranger's is asked for. Of the methods a
    view does not take each actor tries one, so that together they try all.
    """
    is_admitted, ours = address.admits(actor), sides["own"]
    if not is_admitted:
        yield "GET", "stranger", address.on(sides["stranger"] if address.kinds else ours, actor)
        return
    if "GET" in methods(address.pattern):
        for relation, side in sides.items():
            if relation == "own" or address.kinds:
                yield "GET", relation, address.on(side, actor)
        ids = Probe(address.name, query=IDS).asked(sides["stranger"], actor)
        yield "GET", "stranger", f"{address.on(ours, actor)}?{ids}"
    wrong = [one for one in ("PUT", "PATCH", "DELETE", "GET", "POST") if one not in methods(address.pattern)]
    yield wrong[ACTORS.index(actor) % len(wrong)], "own", address.on(ours, actor)


@pytest.mark.trust("T-ACL-3")
@pytest.mark.parametrize("actor", ACTORS)
def test_forms(actor: str, sides: Sides, measured: Measured, nth: int) -> None:
    client, found, asked = signed_in(sides["own"], actor), [], 0

    for probe, address in probed()[ACTORS.index(actor) % nth :: nth]:
        for relation, where, what in _forms(probe, address, is_admitted=address.admits(actor)):
            answer = _send(client, probe, address, actor, sides[where], sides[what])
            asked += relation != "own"
            may = actor in probe.writes.get(relation, ())
            if bool(answer.changed) != may:
                found.append(_wrote(probe, actor, relation, answer))
            if where == what:
                found += faults(address, actor, "POST", relation, answer)
            found += marks(sides, actor, address, relation, _without(answer, probe.filled(sides[what], actor)))

    assert not found, "\n".join(("", *found))
    measured(f"{actor}: {asked} valid forms about others' rows, 0 rows changed but where a tie allows it")


def _forms(probe: Probe, address: Address, *, is_admitted: bool) -> Iterator[tuple[str, str, str]]:
    """Relation, whose rows stand in the address, whose in the form; also ours in one and a stranger's in the other."""
    names_rows = bool(address.kinds or probe.names_rows)
    if not (is_admitted and names_rows):
        where = "stranger" if names_rows else "own"
        yield where, where, where
        return
    for relation in ("own", "partner", "former", "stranger"):
        yield relation, relation, relation
    if address.kinds and probe.names_rows:
        yield "their form", "own", "stranger"
        yield "their address", "stranger", "own"


def _send(client: object, probe: Probe, address: Address, actor: str, where: Side, what: Side) -> Answer:
    def prepare() -> None:
        probe.prepare(where)
        if what is not where:
            probe.prepare(what)

    url = address.on(where, actor, probe.words, probe.rows) + probe.asked(what, actor)
    return ask(client, "POST", url, probe.filled(what, actor), prepare)  # type: ignore[arg-type]


def _without(answer: Answer, typed: dict[str, str]) -> Answer:
    """The answer without what the actor typed: a form that is shown again holds it."""
    text = answer.text
    for value in typed.values():
        text = text.replace(value, "") if len(value) > 3 else text
    return replace(answer, text=text)


def _wrote(probe: Probe, actor: str, relation: str, answer: Answer) -> str:
    said = f"{actor} {probe.name} ({relation}) → {answer.status}"
    return f"{said}: changed {sorted(answer.changed)}" if answer.changed else f"{said}: must change something"


def probed() -> list[tuple[Probe, Address]]:
    """Every probe with its address."""
    named = {address.name: address for address in addresses()}
    return [(probe, named[probe.address]) for probe in PROBES]


@pytest.mark.trust("T-ACL-2")
def test_every_address_is_listed(measured: Measured) -> None:
    forms = {address.name for address in addresses() if "POST" in methods(address.pattern)}
    silent = [address.route for address in addresses() if not methods(address.pattern)]

    assert not silent, f"views that do not say which methods they take: {silent}"
    assert forms == {probe.address for probe in PROBES}, "a form without a probe, or a probe without a form"
    assert {kind for address in addresses() for kind in address.kinds} == set(KINDS)
    measured(f"{len({a.route for a in addresses()})} URLs, {len(PROBES)} forms, 0 unlisted")


def test_every_form_is_valid_for_somebody() -> None:
    mute = {probe.name for probe in PROBES if not probe.writes.get("own")}

    assert mute == set(WITHOUT_TRACE)


def test_every_role_has_a_seat_and_every_kind_is_followed() -> None:
    assert set(SEATS) == set(Role)
    assert set(FOLLOWED) == set(FOLLOWERS)


def test_address_without_a_sample_fails() -> None:
    planted = path("planted/<int:planted_id>/", access("public")(lambda request: None), name="planted")  # type: ignore[arg-type, return-value]

    with pytest.raises(AssertionError, match="planted"):
        listed(iter([("planted/<int:planted_id>/", planted)]))


def test_marks_are_seen_by_those_who_may(sides: Sides) -> None:
    client = signed_in(sides["own"], "gp")
    named = {address.name: address for address in addresses()}
    names = ("records-resident", "records-document", "slots-booking", "referral-detail")

    seen = {
        (name, relation): sides[relation].mark("resident") in body(client.get(named[name].on(sides[relation], "gp")))
        for name in names
        for relation in ("own", "partner")
    }

    assert seen == {key: key != ("referral-detail", "partner") for key in seen}


def test_a_changed_row_is_seen_and_taken_back(sides: Sides) -> None:
    client, ours = signed_in(sides["own"], "gp"), sides["own"]

    quiet = ask(client, "GET", "/notices/")
    loud = ask(client, "GET", "/notices/", prepare=lambda: None)
    written = ask(client, "POST", "/mode/", {"size": "elder"})
    ours.users["gp"].refresh_from_db()

    assert quiet.changed == loud.changed == frozenset()
    assert written.changed == {"accounts_user"}
    assert not ours.users["gp"].display


@pytest.mark.parametrize(
    ("actor", "relation", "status", "location", "wrong"),
    [
        ("gp", "own", 200, "", False),
        ("gp", "own", 404, "", True),
        ("gp", "own", 500, "", True),
        ("gp", "partner", 200, "", False),
        ("gp", "former", 200, "", True),
        ("gp", "stranger", 200, "", True),
        ("gp", "stranger", 302, "/residents/7/", True),
        ("gp", "stranger", 302, "/residents/", False),
        ("gp", "stranger", 404, "", False),
        ("insurer", "own", 200, "", True),
        ("insurer", "own", 404, "", True),
        ("insurer", "own", 403, "", False),
        ("anonymous", "stranger", 200, "", True),
        ("anonymous", "stranger", 302, "/elsewhere/", True),
        ("anonymous", "stranger", 302, "/sign-in/?next=x", False),
    ],
)
def test_faults_judges_by_declaration_and_reach(
    actor: str, relation: str, status: int, location: str, wrong: bool
) -> None:
    address = next(one for one in addresses() if one.name == "records-resident")

    found = list(faults(address, actor, "GET", relation, Answer(status, "", location)))

    assert bool(found) is wrong


def test_leak_is_named_by_side_and_kind() -> None:
    sides = {"own": Side("甲", "440402", timezone.now()), "stranger": Side("丁", "440304", timezone.now())}
    shown = Answer(403, f"{sides['own'].mark('resident')} {sides['stranger'].mark('resident')}")

    assert leaks(sides, "gp", shown) == ["stranger's resident"]
    assert leaks(sides, "insurer", shown) == ["own's resident", "stranger's resident"]
    assert not reaches("resident", "anonymous", "own")
