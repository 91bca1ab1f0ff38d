"""Visits as facts."""

from kangqiao.kernel.facts import Column, FactTable

TABLES = [
    FactTable(
        name="encounter",
        grain="one visit of one resident",
        columns={
            "encounter_id": Column("int64", "id", "the visit"),
            "resident_id": Column("int64", "id", "the resident"),
            "centre_id": Column("int64", "id", "the resident's centre of first visits"),
            "organization_id": Column("int64", "id", "where"),
            "organization_kind": Column("string", "code", "centre or hospital"),
            "employer_id": Column("int64", "id", "the employer of who saw the resident, null when not recorded"),
            "day": Column("date", "day", "when"),
            "origin": Column("string", "code", "walk_in, booking, gp (booked by primary care) or referral"),
            "is_emergency": Column("boolean", "yes/no", "an emergency"),
            "is_by_appointment": Column("boolean", "yes/no", "came with a place, whoever took it"),
            "is_by_centre": Column("boolean", "yes/no", "referred, or the place was taken by primary care"),
            "is_posted_expert": Column("boolean", "yes/no", "seen by a posted expert"),
        },
        sql="""
            select e.id as encounter_id, e.resident_id, r.centre_id, e.organization_id, o.kind as organization_kind,
                   w.organization_id as employer_id, (e.started_at at time zone 'Asia/Shanghai')::date as day,
                   e.origin, e.is_emergency, e.origin <> 'walk_in' as is_by_appointment,
                   e.origin in ('gp', 'referral') as is_by_centre, e.is_posted_expert
              from records_encounter e
              join institutions_organization o on o.id = e.organization_id
              join residents_resident r on r.id = e.resident_id
              left join workforce_practitioner w on w.id = e.practitioner_id
        """,
    )
]
