"""T-AUD-4: what is exported as FHIR has every element the BALP profiles require (IHE BALP 1.1.4, read by hand)."""

from __future__ import annotations

import copy
import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent
from kangqiao.edges.audit import fhir
from tests.access_matrix.world import two_sides

Resource = dict[str, Any]
AT = datetime(2026, 5, 11, 2, 0, tzinfo=UTC)
DCM, T = fhir.DCM, fhir.TERMS
SOURCE, DESTINATION = (DCM, "110153"), (DCM, "110152")
# Profile → subtypes, action, type of client and server, types a user may have; StructureDefinition-IHE.BasicAudit.*.
PROFILES: dict[str, tuple[set[str], str, tuple[str, str], tuple[str, str], set[str]]] = {
    "Read": ({"read", "vread"}, "R", DESTINATION, SOURCE, {"IRCP"}),
    "Query": ({"search", "search-type", "search-system"}, "E", SOURCE, DESTINATION, {"IRCP"}),
    "Create": ({"create"}, "C", SOURCE, DESTINATION, {"AUT", "INF", "CST"}),
    "Update": ({"update", "patch"}, "U", SOURCE, DESTINATION, {"AUT", "INF", "CST"}),
    "Delete": (
        {"delete"}, "D", (DCM, "110150"), (f"{T}provenance-participant-type", "custodian"), {"AUT", "INF", "CST"},
    ),
}  # fmt: skip


def base_faults(resource: Resource) -> Iterator[str]:
    """What R4 itself requires of an AuditEvent (http://hl7.org/fhir/R4/auditevent.html)."""
    if resource.get("resourceType") != "AuditEvent":
        yield "resourceType"
    for name in ("type", "recorded", "agent", "source"):
        if not resource.get(name):
            yield f"{name} 1.."
    if not resource.get("source", {}).get("observer"):
        yield "source.observer 1..1"
    if resource.get("action") not in set("CRUDE"):
        yield "action"
    if resource.get("outcome") not in {"0", "4", "8", "12"}:
        yield "outcome"
    for agent in resource.get("agent", ()):
        if not isinstance(agent.get("requestor"), bool):
            yield "agent.requestor 1..1"
    for entity in resource.get("entity", ()):
        if "name" in entity and "query" in entity:
            yield "sev-1: name and query"
        for detail in entity.get("detail", ()):
            if not detail.get("type") or not ({"valueString", "valueBase64Binary"} & set(detail)):
                yield "entity.detail"


def balp_faults(resource: Resource) -> Iterator[str]:
    """What the profile it claims requires beyond that; a resource that claims none is judged by R4 alone."""
    yield from base_faults(resource)
    for profile in resource.get("meta", {}).get("profile", ()):
        name = profile.removeprefix(fhir.PROFILE)
        patient = name.startswith("Patient")
        yield from profile_faults(resource, name.removeprefix("Patient"), patient)


def profile_faults(resource: Resource, name: str, patient: bool) -> Iterator[str]:
    subtypes, action, client, server, users = PROFILES[name]
    if resource["type"].get("code") != "rest" or resource["type"].get("system") != f"{T}audit-event-type":
        yield "type rest"
    interactions = {one["code"] for one in resource.get("subtype", ()) if one.get("system") == fhir.REST}
    if not interactions & subtypes:
        yield "subtype"
    if (resource.get("action"), resource.get("outcome")) != (action, "0"):
        yield "action, outcome"
    for part, wanted in (("client", client), ("server", server)):
        found = [agent for agent in resource["agent"] if wanted in codings(agent.get("type", {}))]
        if len(found) != 1 or not found[0].get("who") or not found[0].get("network") or "media" in found[0]:
            yield f"agent:{part}"
    for agent in resource["agent"]:
        kinds = {code for system, code in codings(agent.get("type", {})) if system == f"{T}v3-ParticipationType"}
        if kinds and (
            not kinds <= users or not agent.get("who") or agent.get("requestor") is not True or "network" in agent
        ):
            yield "agent:user"
    yield from entity_faults(resource, name, patient)


def entity_faults(resource: Resource, name: str, patient: bool) -> Iterator[str]:
    things = [entity for entity in resource.get("entity", ()) if entity.get("type", {}).get("code") == "2"]
    people = [entity for entity in resource.get("entity", ()) if entity.get("type", {}).get("code") == "1"]
    if len(things) != 1:
        yield "entity:data or entity:query 1..1"
    elif name == "Query":
        query = things[0]
        if query["role"]["code"] != "24" or not b64decode(query.get("query", ""), validate=True):
            yield "entity:query"
        if {"what", "lifecycle", "detail"} & set(query):
            yield "entity:query holds what it must not"
    elif things[0].get("role", {}).get("code") not in {"4", "3", "20"} or not things[0].get("what"):
        yield "entity:data"
    if patient and (
        len(people) != 1
        or people[0].get("role", {}).get("code") != "1"
        or not people[0].get("what", {}).get("reference", "").startswith("Patient/")
    ):
        yield "entity:patient"
    for entity in resource.get("entity", ()):
        if entity.get("type", {}).get("code") == "XrequestId" and not entity["what"]["identifier"].get("value"):
            yield "entity:transaction"


def codings(concept: Resource) -> set[tuple[str, str]]:
    return {(one.get("system"), one.get("code")) for one in concept.get("coding", ())}


def event(**fields: Any) -> dict[str, Any]:
    return {
        "id": 1, "kind": "read", "at": "2026-05-11T02:00:00.000000Z", "by_id": "user:7", "by_name": "演示 王医生",
        "organization_id": 3, "action": "residents.open", "subject_type": "residents.resident", "subject_id": 9,
        "resident_id": 9, "basis": "registered", "outcome": "success", "request": "ab12", "policy_ref": "",
        "detail": {}, **fields,
    }  # fmt: skip


def told(**fields: Any) -> Resource:
    return fhir.resource(event(**fields), organization=3, sequence=4, hash="0" * 64, site="kangqiao.example")


EVERY_PROFILE = {
    "PatientRead": told(),
    "Read": told(resident_id=None, subject_type="agreements.agreement"),
    "PatientQuery": told(action="residents.search"),
    "Query": told(action="residents.search", resident_id=None, subject_id=None),
    "PatientCreate": told(kind="write", action="insert"),
    "Create": told(kind="write", action="insert", resident_id=None),
    "PatientUpdate": told(kind="write", action="update", detail={"columns": ["phone"]}),
    "Update": told(kind="write", action="update", resident_id=None, by_id="system:terms", by_name=""),
    "PatientDelete": told(kind="write", action="delete", request=""),
    "Delete": told(kind="write", action="delete", resident_id=None, subject_id=None),
}


@pytest.mark.parametrize("name", EVERY_PROFILE)
def test_each_profile_is_claimed_and_met(name: str) -> None:
    resource = EVERY_PROFILE[name]

    assert resource["meta"]["profile"] == [f"{fhir.PROFILE}{name}"]
    assert list(balp_faults(resource)) == []


@pytest.mark.parametrize(
    "fields", [{"kind": "action", "action": "x.accept"}, {"kind": "refused", "outcome": "refused"}]
)
def test_a_step_and_a_refusal_claim_no_profile(fields: dict[str, Any]) -> None:
    resource = told(**fields)

    assert "meta" not in resource
    assert list(balp_faults(resource)) == []
    assert resource["outcome"] == ("8" if "outcome" in fields else "0")


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*at, key)
        yield from paths(child, (*at, key))


def test_the_checks_miss_no_required_element() -> None:
    whole = EVERY_PROFILE["PatientRead"]
    free = {  # what neither R4 nor the profile requires
        ("id",), ("meta",), ("source", "site"), ("source", "type"), ("entity", 2), ("entity", 0, "detail"),
    }  # fmt: skip
    unnoticed = []
    for path in paths(whole):
        if any(path[: len(one)] == one for one in free) or path[-1] in (
            "display",
            "name",
            "purposeOfUse",
            "type",
            0,
            1,
            2,
        ):
            continue
        cut = copy.deepcopy(whole)
        parent: Any = cut
        for step in path[:-1]:
            parent = parent[step]
        del parent[path[-1]]
        try:
            found = list(balp_faults(cut))
        except (KeyError, IndexError):
            found = ["not there"]
        if not found:
            unnoticed.append(path)

    inner = {("agent",), ("source",), ("entity",)}
    assert [path for path in unnoticed if path[:1] not in inner] == []
    assert ("agent", 0, "network") not in unnoticed
    assert ("entity", 1, "what") not in unnoticed


@pytest.mark.django_db
@pytest.mark.trust("T-AUD-4")
def test_every_exported_event_meets_what_it_claims(measured: Callable[[str], None]) -> None:
    ours, _theirs = two_sides()
    ours.condition.delete()
    who = Actor("user:1", "演示", ours.centre.pk)
    record("residents.open", ours.resident, by=who, at=AT, resident_id=ours.resident.pk)
    AuditEvent.objects.create(**event(id=None, at=AT))
    sealing.seal(at=AT)

    lines = (line for chain in sealing.chains() for line in sealing.export(chain, at=AT))
    resources = [json.loads(line) for line in fhir.ndjson(lines, site="kangqiao.example")]

    assert len(resources) == AuditEvent.objects.count()
    assert [(one["id"], fault) for one in resources for fault in balp_faults(one)] == []
    claimed = {one["meta"]["profile"][0].removeprefix(fhir.PROFILE) for one in resources if "meta" in one}
    assert {"PatientRead", "PatientCreate", "PatientDelete", "Create"} <= claimed
    measured(f"{len(resources)} of {len(resources)} exported events meet R4 and the BALP profile they claim")
