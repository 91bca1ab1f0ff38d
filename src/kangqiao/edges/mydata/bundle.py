"""What is kept about a person as one FHIR R4 Bundle: plain resources that name each other by their address in it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import date, datetime
from html import escape
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.domain.records.models import (
    Allergy,
    Condition,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
)
from kangqiao.domain.records.parameters import measures, programme, topics
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries.oversight import Look
from kangqiao.domain.scheduling.models import Booking
from kangqiao.pathways.own_data import Kept

Resource = dict[str, Any]
TERMS = "http://terminology.hl7.org/CodeSystem/"
ICD, LOINC, ATC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org", "http://www.whocc.no/atc"
UCUM, SNOMED = "http://unitsofmeasure.org", "http://snomed.info/sct"
# The units of the packs as UCUM writes them.
UNITS = {
    "mmHg": "mm[Hg]", "℃": "Cel", "%": "%", "cm": "cm", "kg": "kg", "mmol/L": "mmol/L",
    "次/分": "/min",  # untranslated: the unit as the packs write it
}  # fmt: skip
BOOKED = {
    "booked": "booked", "arrived": "arrived", "fulfilled": "fulfilled", "cancelled": "cancelled", "no_show": "noshow",
}  # fmt: skip
SENT = {
    "closed": "completed", "followed_up": "completed", "summarised": "completed", "withdrawn": "revoked",
    "not_attended": "revoked", "declined": "on-hold", "returned": "on-hold",
}  # fmt: skip
URGENT = {"routine": "routine", "urgent": "urgent", "emergency": "stat"}


def written(kept: Kept) -> bytes:
    """The bundle as a file."""
    return json.dumps(bundle(kept), ensure_ascii=False, indent=1).encode()


def bundle(kept: Kept) -> Resource:
    """Everything in one collection, the person first."""
    entries = [{"fullUrl": _address(one["resourceType"], one["id"]), "resource": one} for one in _resources(kept)]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": _moment(kept.at), "entry": entries}


def _resources(kept: Kept) -> Iterator[Resource]:
    yield _patient(kept.resident)
    subject = _named("Patient", kept.resident.pk)
    for visit in kept.encounters:
        yield _encounter(visit, subject)
    for problem in kept.conditions:
        yield _condition(problem, subject)
    corrected = {one.corrects_id for one in kept.observations}
    shown = {one.pk for one in kept.encounters}
    for value in kept.observations:
        yield _observation(value, subject, shown, is_wrong=value.pk in corrected or value.is_void)
    for allergy in kept.allergies:
        yield _allergy(allergy, subject)
    for medicine in kept.medications:
        yield _medication(medicine, subject, shown)
    for jab in kept.immunizations:
        yield _immunization(jab, subject, shown)
    for letter in kept.documents:
        yield _document(letter, subject)
    for booking in kept.bookings:
        yield _appointment(booking, subject)
    for referral in kept.referrals:
        yield _request(referral, subject)
    for _day, looks in kept.looks:
        for look in looks:
            yield _look(look, subject)


def _patient(one: Resident) -> Resource:
    told: Resource = {
        "resourceType": "Patient",
        "id": str(one.pk),
        "identifier": [{"system": f"urn:kangqiao:identifier:{one.identifier_kind}", "value": one.identifier}],
        "name": [{"use": "official", "text": one.name}],
        "gender": one.sex,
        "birthDate": one.birth_date.isoformat(),
        "managingOrganization": {"display": one.centre.zh},
    }
    if one.phone:
        told["telecom"] = [{"system": "phone", "value": one.phone}]
    if one.address:
        told["address"] = [{"use": "home", "text": one.address}]
    if one.deceased_on:
        told["deceasedDateTime"] = one.deceased_on.isoformat()
    return told


def _encounter(one: Encounter, subject: Resource) -> Resource:
    told: Resource = {
        "resourceType": "Encounter",
        "id": str(one.pk),
        "status": "finished",
        "class": _coding(f"{TERMS}v3-ActCode", "EMER" if one.is_emergency else "AMB"),
        "subject": subject,
        "period": {"start": _moment(one.started_at)},
        "serviceProvider": {"display": one.organization.zh},
    }
    if one.practitioner:
        told["participant"] = [{"individual": {"display": one.practitioner.name}}]
    reasons = [_concept("", "", one.reason)] if one.reason else []
    reasons += [_concept(ICD, one.diagnosis, one.diagnosis)] if one.diagnosis else []
    if reasons:
        told["reasonCode"] = reasons
    if one.summary:
        told["text"] = _narrative(one.summary)
    return told


def _condition(one: Condition, subject: Resource) -> Resource:
    told: Resource = {
        "resourceType": "Condition",
        "id": str(one.pk),
        "clinicalStatus": _concept(f"{TERMS}condition-clinical", "resolved" if one.abated_on else "active"),
        "verificationStatus": _concept(f"{TERMS}condition-ver-status", "confirmed"),
        "category": [_concept(f"{TERMS}condition-category", "problem-list-item")],
        "code": _concept(ICD, one.code, one.zh),
        "subject": subject,
    }
    return told | _days(onsetDateTime=one.since, abatementDateTime=one.abated_on)


def _observation(one: Observation, subject: Resource, shown: set[int], *, is_wrong: bool) -> Resource:
    measure, topic = measures().get(one.code), topics().get(one.code)
    name = measure or topic
    told: Resource = {
        "resourceType": "Observation",
        "id": str(one.pk),
        "status": "entered-in-error" if is_wrong else "corrected" if one.corrects_id else "final",
        "code": _concept(LOINC if measure else "", measure.loinc if measure else "", name.zh if name else one.code),
        "subject": subject,
        "effectiveDateTime": _moment(one.taken_at),
        "issued": _moment(one.recorded_at),
        "performer": [{"display": one.recorded_by}],
    }
    if measure:
        told["category"] = [_concept(f"{TERMS}observation-category", "vital-signs")]
    if one.value is not None:
        unit = UNITS.get(one.unit)
        code = {"system": UCUM, "code": unit} if unit else {}
        told["valueQuantity"] = {"value": float(one.value), "unit": one.unit or "1", **code}
    elif one.text:
        said = {key: zh for key, zh, _en in topic.answers} if topic else {}
        told["valueString"] = said.get(one.text, one.text)
    else:
        told["dataAbsentReason"] = _concept(f"{TERMS}data-absent-reason", "error")
    if one.reason:
        told["note"] = [{"text": one.reason}]
    return told | _of_visit("encounter", one.encounter_id, shown)


def _allergy(one: Allergy, subject: Resource) -> Resource:
    is_refuted = one.refuted_at is not None
    code = (
        _concept(ATC if one.code else "", one.code, one.zh)
        if one.zh
        else _concept(SNOMED, "716186003", _("无已知过敏"))
    )
    told: Resource = {
        "resourceType": "AllergyIntolerance",
        "id": str(one.pk),
        "clinicalStatus": _concept(f"{TERMS}allergyintolerance-clinical", "inactive" if is_refuted else "active"),
        "verificationStatus": _concept(
            f"{TERMS}allergyintolerance-verification", "refuted" if is_refuted else "confirmed"
        ),
        "code": code,
        "patient": subject,
        "recordedDate": _moment(one.recorded_at),
    }
    if one.reaction:
        severity = {"mild": "mild", "severe": "severe"}.get(one.severity)
        grade = {"severity": severity} if severity else {}
        told["reaction"] = [{"manifestation": [_concept("", "", one.reaction)], **grade}]
    if one.refuted_why:
        told["note"] = [{"text": one.refuted_why}]
    return told


def _medication(one: Medication, subject: Resource, shown: set[int]) -> Resource:
    told: Resource = {
        "resourceType": "MedicationStatement",
        "id": str(one.pk),
        "status": "stopped" if one.until else "active",
        "medicationCodeableConcept": _concept(ATC if one.code else "", one.code, one.zh),
        "subject": subject,
        "effectivePeriod": _days(start=one.since, end=one.until),
    }
    if one.dose:
        told["dosage"] = [{"text": one.dose}]
    if one.stop_reason:
        told["statusReason"] = [_concept("", "", one.stop_reason)]
    return told | _of_visit("context", one.encounter_id, shown)


def _immunization(one: Immunization, subject: Resource, shown: set[int]) -> Resource:
    rules = programme()
    vaccine = rules.vaccines.get(one.vaccine)
    against = {series.key: series.zh for series in rules.series}
    dose = {"doseNumberPositiveInt": one.dose} if one.dose else {"doseNumberString": _("没有写第几剂")}
    told: Resource = {
        "resourceType": "Immunization",
        "id": str(one.pk),
        "status": "entered-in-error" if one.is_void or not one.is_current else "completed",
        "vaccineCode": _concept(
            ATC if vaccine else "", vaccine.atc if vaccine else "", vaccine.zh if vaccine else one.vaccine
        ),
        "patient": subject,
        "occurrenceDateTime": one.given_on.isoformat(),
        "recorded": _moment(one.recorded_at),
        "primarySource": one.is_here,
        "location": {"display": one.organization.zh if one.is_here else one.place or _("别处接种")},
        "protocolApplied": [{"series": against.get(one.series, one.series), **dose}],
    }
    if one.manufacturer:
        told["manufacturer"] = {"display": one.manufacturer}
    if one.lot:
        told["lotNumber"] = one.lot
    if one.performer:
        told["performer"] = [{"actor": {"display": one.performer}}]
    for field, system, rows in (
        ("site", "v3-ActSite", rules.sites),
        ("route", "v3-RouteOfAdministration", rules.routes),
    ):
        found = next((row for row in rows if row[0] == getattr(one, field)), None)
        if found is not None:
            told[field] = _concept(f"{TERMS}{system}" if found[3] else "", found[3], found[1])
    if one.reaction:
        told["reaction"] = [{"detail": {"display": one.reaction}}]
    if one.reason:
        told["note"] = [{"text": one.reason}]
    return told | _days(expirationDate=one.expires_on) | _of_visit("encounter", one.encounter_id, shown)


def _document(one: Document, subject: Resource) -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": str(one.pk),
        "status": "current",
        "type": _concept("", "", str(one.get_kind_display())),
        "subject": subject,
        "date": _moment(one.signed_at),
        "author": [{"display": one.signed_by}],
        "custodian": {"display": one.organization.zh},
        "content": [
            {"attachment": {"contentType": "text/plain; charset=utf-8", "data": b64encode(one.text.encode()).decode()}}
        ],
    }


def _appointment(one: Booking, subject: Resource) -> Resource:
    doctor = one.session.practitioner.name
    return {
        "resourceType": "Appointment",
        "id": str(one.pk),
        "status": BOOKED[one.status],
        "start": _moment(one.slot.starts_at),
        "end": _moment(one.slot.ends_at),
        "created": _moment(one.booked_at),
        "participant": [
            {"actor": subject, "status": "accepted"},
            {"actor": {"display": doctor}, "status": "accepted"},
            {"actor": {"display": one.session.organization.zh}, "status": "accepted"},
        ],
    }


def _request(one: Referral, subject: Resource) -> Resource:
    told: Resource = {
        "resourceType": "ServiceRequest",
        "id": str(one.pk),
        "identifier": [{"system": "urn:kangqiao:referral", "value": one.number}],
        "status": SENT.get(one.status, "active"),
        "intent": "order",
        "priority": URGENT[one.urgency],
        "code": _concept("", "", one.get_direction_display()),
        "subject": subject,
        "authoredOn": _moment(one.sent_at),
        "requester": {"display": one.from_practitioner.name if one.from_practitioner else one.from_organization.zh},
        "performer": [{"display": one.to_organization.zh}],
        "reasonCode": [_concept("", "", one.diagnosis)],
    }
    words = [one.reason, one.history, one.examination, one.medicines, one.allergies, one.question, one.plan, one.reply]
    notes = [{"text": text} for text in words if text]
    return told | ({"note": notes} if notes else {})


def _look(one: Look, subject: Resource) -> Resource:
    who = " ".join(part for part in (one.who, one.role, one.organization) if part) or "?"
    return {
        "resourceType": "AuditEvent",
        "id": str(one.event_id),
        "type": _coding(f"{TERMS}audit-event-type", "rest"),
        "action": "R",
        "recorded": _moment(one.at),
        "outcome": "8" if one.is_refused else "0",
        "agent": [{"who": {"display": who}, "requestor": True}],
        "source": {"observer": {"display": "Kangqiao"}},
        "entity": [{"what": subject, "description": f"× {one.times}"}],
        **({"purposeOfEvent": [_concept("", "", one.why)]} if one.why else {}),
    }


def _address(kind: str, key: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'urn:kangqiao:{kind}/{key}')}"


def _named(kind: str, pk: int) -> Resource:
    return {"reference": _address(kind, str(pk))}


def _of_visit(name: str, pk: int | None, shown: set[int]) -> Resource:
    """A visit is named where it is in the bundle too."""
    return {name: _named("Encounter", pk)} if pk in shown and pk is not None else {}


def _coding(system: str, code: str) -> Resource:
    return {"system": system, "code": code}


def _concept(system: str, code: str, text: str = "") -> Resource:
    coding = {"coding": [_coding(system, code)]} if system and code else {}
    return coding | ({"text": text} if text else {})


def _narrative(text: str) -> Resource:
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(text)}</div>'}


def _days(**days: date | None) -> Resource:
    return {name: day.isoformat() for name, day in days.items() if day is not None}


def _moment(at: datetime) -> str:
    return localtime(at).isoformat(timespec="seconds")
