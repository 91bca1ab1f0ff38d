"""Half-days as facts."""

from kangqiao.kernel.facts import Column, FactTable

TABLES = [
    FactTable(
        name="half_day",
        grain="one expert at one centre for one half of one day, planned or done",
        columns={
            "half_day_id": Column("int64", "id", "the half-day"),
            "practitioner_id": Column("int64", "id", "the posted expert"),
            "hospital_id": Column("int64", "id", "the dispatching hospital"),
            "centre_id": Column("int64", "id", "the centre"),
            "agreement_id": Column("int64", "id", "the agreement of the posting"),
            "day": Column("date", "day", "when"),
            "week": Column("date", "Monday", "the week it lies in"),
            "status": Column("string", "code", "planned, confirmed, done, missed or cancelled"),
        },
        sql="""
            select h.id as half_day_id, h.practitioner_id, a.hospital_id, h.centre_id, p.agreement_id, h.day,
                   date_trunc('week', h.day)::date as week, h.status
              from roster_halfday h
              join roster_posting p on p.id = h.posting_id
              join agreements_agreement a on a.id = p.agreement_id
        """,
    )
]
