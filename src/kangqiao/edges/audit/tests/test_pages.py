"""The audit administrator reads what their organisation answers for and leaves a trace; anybody may keep heads."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.access_matrix.world import Side, two_sides

from kangqiao.base import sealing
from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.signing import signer
from kangqiao.domain.accounts.models import Role
from kangqiao.edges.audit.checking import check_chains
from kangqiao.engines.audit.verify import heads_kept, verify
from kangqiao.kernel.signatures import key_id

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("audit-check")


@pytest.fixture
def sides(settings: LazySettings, tmp_path: Path) -> tuple[Side, Side]:
    settings.DATA = tmp_path
    ours, theirs = two_sides()
    for name, side in (("a", ours), ("b", theirs)):
        for where in (side.centre, side.bureau):
            who = Actor(f"user:{side.users[Role.GP].pk}", f"{name}-gp", where.pk)
            AuditEvent.objects.create(
                kind="read", at=timezone.now(), by_id=who.id, by_name=who.name, organization_id=where.pk,
                action=f"residents.open.{name}", subject_type="residents.resident", subject_id=side.resident.pk,
                resident_id=side.resident.pk, basis="registered", request=f"call{name}",
            )  # fmt: skip
    return ours, theirs


@pytest.fixture
def reader(client: Client, sides: tuple[Side, Side]) -> Client:
    client.force_login(sides[0].users[Role.AUDIT_ADMIN])
    return client


def seal() -> None:
    at = timezone.now()
    sealing.seal(at=at)
    sealing.sign_heads(signer=signer(), by=SYSTEM, at=at)
    sealing.seal(at=at)


def shown(client: Client, **wanted: object) -> str:
    response = client.get(reverse("audit"), wanted)
    assert response.status_code == 200
    return response.content.decode()


def test_page_lists_the_region_and_nothing_of_another(reader: Client, sides: tuple[Side, Side]) -> None:
    text = shown(reader)

    assert "residents.open.a" in text
    assert "residents.open.b" not in text
    assert sides[1].centre.zh not in text
    assert reader.get(reverse("audit"), {"chain": sides[1].centre.pk}).status_code == 404


def test_filters_narrow(reader: Client, sides: tuple[Side, Side]) -> None:
    ours = sides[0]

    assert shown(reader).count("residents.open.a<") == 2
    assert shown(reader, chain=ours.centre.pk).count("residents.open.a<") == 1
    assert shown(reader, request="calla").count("residents.open.a<") == 2
    assert shown(reader, request="callb").count("residents.open.a<") == 0
    assert shown(reader, kind="write").count("residents.open.a<") == 0
    assert shown(reader, resident=ours.resident.pk).count("residents.open.a<") == 2
    assert shown(reader, resident=ours.resident.pk + 10**9).count("residents.open.a<") == 0
    assert shown(reader, who="a-g").count("residents.open.a<") == 2
    assert shown(reader, last="2020-01-05").count("residents.open.a<") == 0
    assert shown(reader, last="nonsense", kind="x", chain="-1", resident="²", page="x").count("residents.open.a<") == 2


def test_reading_is_itself_an_event(reader: Client, sides: tuple[Side, Side]) -> None:
    shown(reader, who="somebody")

    event = AuditEvent.objects.get(action="audit.read")
    assert event.by_id == f"user:{sides[0].users[Role.AUDIT_ADMIN].pk}"
    assert event.organization_id == sides[0].bureau.pk
    assert "somebody" not in json.dumps(event.detail)


def test_page_says_how_the_chain_stands(reader: Client, sides: tuple[Side, Side]) -> None:
    assert "还没有核对" in shown(reader)
    seal()
    check_chains(signer=signer(), by=SYSTEM, at=timezone.now())

    text = shown(reader, chain=sides[0].centre.pk)
    assert "核对无误" in text
    assert "存一份" in text


def test_a_broken_chain_is_told_with_its_place(reader: Client, sides: tuple[Side, Side]) -> None:
    seal()
    chain = sides[0].centre.pk
    AuditEvent.objects.create(
        at=timezone.now(), by_id=SYSTEM.id, organization_id=chain, action="audit.check", subject_type="base.auditlink",
        detail={"rows": 9, "problems": 1, "sequence": 7, "what": "its event is gone"},
    )  # fmt: skip

    text = shown(reader, chain=chain)
    assert "核对有误" in text
    assert "第 7 条起" in text


def test_export_verifies_and_is_an_event(reader: Client, sides: tuple[Side, Side]) -> None:
    seal()
    chain = sides[0].centre.pk

    response = reader.get(reverse("audit-export", args=(chain,)))
    lines = b"".join(response.streaming_content).decode().splitlines(keepends=True)  # type: ignore[attr-defined]
    fhir = b"".join(reader.get(reverse("audit-fhir", args=(chain,))).streaming_content)  # type: ignore[attr-defined]

    report = verify(lines, keys=[signer().public_pem])
    assert report.is_sound
    assert report.heads == 1
    assert json.loads(fhir.splitlines()[0])["resourceType"] == "AuditEvent"
    assert AuditEvent.objects.filter(action="audit.export", organization_id=sides[0].bureau.pk).count() == 2
    assert reader.get(reverse("audit-export", args=(sides[1].centre.pk,))).status_code == 404


def test_others_do_not_read_it(client: Client, sides: tuple[Side, Side]) -> None:
    for role in (Role.GP, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.BUREAU_OFFICER):
        client.force_login(sides[0].users[role])
        assert client.get(reverse("audit")).status_code == 403


def test_public_heads_are_what_the_verifier_reads(client: Client, sides: tuple[Side, Side]) -> None:
    seal()
    chain = sides[0].centre.pk

    page = client.get(reverse("audit-heads"))
    file = client.get(reverse("audit-heads-file"), {"day": timezone.localdate().isoformat()})
    kept = list(heads_kept([file.content.decode()]))

    assert page.status_code == 200
    assert sides[0].centre.zh in page.content.decode()
    assert key_id(json.loads(file.content)["public_key"]) == signer().key_id
    assert verify(sealing.export(chain, at=timezone.now()), heads=kept, keys=[signer().public_pem]).is_sound
    assert chain in {head["organization"] for head in kept}


def test_a_day_without_heads_and_a_wrong_day_answer_too(client: Client, sides: tuple[Side, Side]) -> None:
    yesterday = client.get(reverse("audit-heads"), {"day": str(date(2020, 1, 1))})

    assert "这一天没有签名" in yesterday.content.decode()
    assert client.get(reverse("audit-heads"), {"day": "2020-13-99"}).status_code == 200
    assert json.loads(client.get(reverse("audit-heads-file"), {"day": "2020-01-01"}).content)["heads"] == []
    assert (timezone.localdate() - timedelta(days=1)).isoformat() in client.get(reverse("audit-heads")).content.decode()
