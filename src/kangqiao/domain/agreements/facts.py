"""Agreements as facts: who owes which centre how much, from when until when."""

from kangqiao.kernel.facts import Column, FactTable

TABLES = [
    FactTable(
        name="duty",
        grain="one figure a hospital owes a centre under a relation that took effect; a target agreement restates it",
        columns={
            "agreement_id": Column("int64", "id", "the agreement"),
            "hospital_id": Column("int64", "id", "who owes"),
            "centre_id": Column("int64", "id", "to whom"),
            "measure": Column("string", "code", "what is owed, such as half_days_per_week"),
            "target": Column("float64", "as the duty says", "how much"),
            "starts_on": Column("date", "day", "first day of the term"),
            "ends_on": Column("date", "day", "first day after the term"),
        },
        sql="""
            select a.id as agreement_id, a.hospital_id, a.centre_id, d.measure, d.target::float8 as target,
                   a.starts_on, a.ends_on
              from agreements_duty d join agreements_agreement a on a.id = d.agreement_id
             where d.side = 'hospital' and d.target is not null and a.kind <> 'target'
               and a.status in ('in_force', 'ending_requested', 'lapsed', 'ended')
        """,
    )
]
