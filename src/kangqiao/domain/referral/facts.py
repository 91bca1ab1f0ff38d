"""Referrals as facts."""

from kangqiao.kernel.facts import Column, FactTable

TABLES = [
    FactTable(
        name="referral",
        grain="one patient sent up or down",
        columns={
            "referral_id": Column("int64", "id", "the referral"),
            "direction": Column("string", "code", "up or down"),
            "hospital_id": Column("int64", "id", "the hospital on one side"),
            "centre_id": Column("int64", "id", "the centre on the other"),
            "sent_on": Column("date", "day", "when it was sent"),
            "status": Column("string", "code", "where it stands"),
            "is_answered": Column("boolean", "yes/no", "accepted or returned"),
            "is_in_time": Column("boolean", "yes/no", "answered before its clock ran out"),
        },
        sql="""
            select r.id as referral_id, r.direction,
                   case r.direction when 'up' then r.to_organization_id else r.from_organization_id end as hospital_id,
                   case r.direction when 'up' then r.from_organization_id else r.to_organization_id end as centre_id,
                   (r.sent_at at time zone 'Asia/Shanghai')::date as sent_on, r.status,
                   r.answered_at is not null as is_answered,
                   coalesce(r.answered_at <= r.answer_by, false) as is_in_time
              from referral_referral r
        """,
    )
]
