"""Audit events as FHIR R4 AuditEvent resources, in the form of IHE BALP 1.1.4 where that has one.

BALP (https://profiles.ihe.net/ITI/BALP/) has profiles for reading, creating, updating, deleting and querying. A step
of a process and a refusal are none of these: they are plain AuditEvents and claim no profile. The address of a browser
is not kept, so client and server carry the name of the site.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
TERMS = "http://terminology.hl7.org/CodeSystem/"
REST = "http://hl7.org/fhir/restful-interaction"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
REQUEST = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
# What an event is → BALP's name for it, FHIR's interaction, and the action code of R4.
KINDS = {
    "read": ("Read", "read", "R"),
    "query": ("Query", "search", "E"),
    "insert": ("Create", "create", "C"),
    "update": ("Update", "update", "U"),
    "delete": ("Delete", "delete", "D"),
    "": ("", "operation", "E"),
}
# Whose role is which, as BALP sets it: data flow from the client, except where something is read or taken away.
CLIENT_AND_SERVER = {
    "Read": ((DCM, "110152", "Destination Role ID"), (DCM, "110153", "Source Role ID")),
    "Delete": (
        (DCM, "110150", "Application"),
        (f"{TERMS}provenance-participant-type", "custodian", "Custodian"),
    ),
}
FROM_CLIENT = ((DCM, "110153", "Source Role ID"), (DCM, "110152", "Destination Role ID"))
OUTCOMES = {"success": "0", "refused": "8", "failed": "8"}
# Tables that are FHIR resources of their own; every other row is a Basic.
RESOURCES = {
    "residents.resident": "Patient",
    "records.encounter": "Encounter",
    "records.allergy": "AllergyIntolerance",
    "records.condition": "Condition",
    "records.medication": "MedicationStatement",
    "records.observation": "Observation",
    "records.document": "DocumentReference",
    "scheduling.booking": "Appointment",
    "referral.referral": "ServiceRequest",
    "institutions.organization": "Organization",
    "institutions.place": "Location",
    "workforce.practitioner": "Practitioner",
    "accounts.membership": "PractitionerRole",
    "residents.basis": "Consent",
}


def ndjson(lines: Iterable[str], *, site: str) -> Iterator[str]:
    """The links of an export (`base.sealing.export`) as one AuditEvent a line; `site` is the name of this server."""
    organization = 0
    for line in lines:
        row = json.loads(line)
        if "chain" in row:
            organization = row["chain"]["organization"]
        elif row.get("event"):
            told = resource(
                row["event"], organization=organization, sequence=row["sequence"], hash=row["hash"], site=site
            )
            yield json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"


def resource(event: Mapping[str, Any], *, organization: int, sequence: int, hash: str, site: str) -> dict[str, Any]:
    """One event as a resource; its place in the chain stands in the details of the entity."""
    name, interaction, action = KINDS[_kind(event)]
    is_success = event["outcome"] == "success"
    told: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"{organization}-{sequence}",
        "type": _coding(f"{TERMS}audit-event-type", "rest", "Restful Operation"),
        "subtype": [_coding(REST, interaction)],
        "action": action,
        "recorded": event["at"],
        "outcome": OUTCOMES[event["outcome"]],
        "agent": _agents(event, name, site),
        "source": {
            "site": site,
            "observer": {"display": site},
            "type": [_coding(f"{TERMS}security-source-type", "4", "Application Server")],
        },
        "entity": _entities(event, name, sequence, hash),
    }
    if name and is_success:
        told["meta"] = {"profile": [f"{PROFILE}{'Patient' if event['resident_id'] is not None else ''}{name}"]}
    return told


def _kind(event: Mapping[str, Any]) -> str:
    if event["kind"] == "write":
        return str(event["action"]) if event["action"] in KINDS else ""
    if event["kind"] == "read":
        return "query" if event["action"].rsplit(".", 1)[-1].startswith("search") else "read"
    return ""


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _agents(event: Mapping[str, Any], name: str, site: str) -> list[dict[str, Any]]:
    machine = {"address": site, "type": "1"}
    agents: list[dict[str, Any]] = [
        {"type": {"coding": [_coding(*role)]}, "who": {"display": who}, "requestor": False, "network": machine}
        for role, who in zip(CLIENT_AND_SERVER.get(name, FROM_CLIENT), ("browser", site), strict=True)
    ]
    who = {"identifier": {"system": "urn:kangqiao:actor", "value": event["by_id"]}, "display": event["by_name"]}
    if not who["display"]:
        del who["display"]
    if not event["by_id"].startswith("user:"):
        # Nobody sat there: the job, or the role of the database, is the client itself, and it asked.
        agents[0] |= {"who": who, "requestor": True}
        return agents
    part = ("IRCP", "information recipient") if name in ("Read", "Query") else ("AUT", "author (originator)")
    user = {
        "type": {"coding": [_coding(f"{TERMS}v3-ParticipationType", *part)]}, "who": who, "requestor": True
    }  # fmt: skip
    if event["by_name"]:
        user["name"] = event["by_name"]
    if event["basis"]:
        user["purposeOfUse"] = [{"text": event["basis"]}]
    return [*agents, user]


def _entities(event: Mapping[str, Any], name: str, sequence: int, hash: str) -> list[dict[str, Any]]:
    thing: dict[str, Any]
    details = [("action", event["action"]), ("sequence", str(sequence)), ("hash", hash)]
    if columns := event["detail"].get("columns"):
        details.append(("columns", ",".join(map(str, columns))))
    object_type = _coding(f"{TERMS}audit-entity-type", "2", "System Object")
    if name == "Query":
        # What was typed is not kept: it is a name or an identifier. The query says which search it was.
        query = b64encode(str(event["action"]).encode()).decode()
        thing = {"type": object_type, "role": _coding(f"{TERMS}object-role", "24", "Query"), "query": query}
    else:
        thing = {
            "what": _reference(event["subject_type"], event["subject_id"]),
            "type": object_type,
            "role": _coding(f"{TERMS}object-role", "4", "Domain Resource"),
            "detail": [{"type": kind, "valueString": value} for kind, value in details],
        }
    entities: list[dict[str, Any]] = [thing]
    if event["resident_id"] is not None:
        person: dict[str, Any] = {"what": {"reference": f"Patient/{event['resident_id']}"}}
        person |= {"type": _coding(f"{TERMS}audit-entity-type", "1", "Person")}
        entities.append(person | {"role": _coding(f"{TERMS}object-role", "1", "Patient")})
    if event["request"]:
        entities.append(
            {"what": {"identifier": {"value": event["request"]}}, "type": _coding(REQUEST, "XrequestId")}
        )  # fmt: skip
    return entities


def _reference(subject_type: str, subject_id: int | None) -> dict[str, str]:
    if subject_id is None:
        return {"display": subject_type}
    known = RESOURCES.get(subject_type)
    return {"reference": f"{known}/{subject_id}" if known else f"Basic/{subject_type}-{subject_id}"}
