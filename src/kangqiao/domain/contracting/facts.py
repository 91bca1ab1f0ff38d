"""Contracts, those who may have one, and services done, as facts."""

from kangqiao.kernel.facts import Column, FactTable

_KEY = """exists (select from contracting_keyperson k
                               where k.resident_id = {resident} and k.until is null) as is_key"""

TABLES = [
    FactTable(
        name="contract",
        grain="one contract of one resident for one term",
        columns={
            "contract_id": Column("int64", "id", "the contract"),
            "resident_id": Column("int64", "id", "the resident"),
            "centre_id": Column("int64", "id", "the centre of the team"),
            "starts_on": Column("date", "day", "first day"),
            "ends_on": Column("date", "day", "first day no longer covered"),
            "status": Column("string", "code", "where it stands"),
            "is_key": Column("boolean", "yes/no", "the resident belongs to a key group"),
            "ran_out": Column("boolean", "yes/no", "the term ran out, or will; neither moved nor ended early"),
            "is_renewed": Column("boolean", "yes/no", "the same team holds the next term"),
        },
        sql=f"""
            select c.id as contract_id, c.resident_id, t.organization_id as centre_id, c.starts_on, c.ends_on,
                   c.status, {_KEY.format(resident="c.resident_id")},
                   c.status in ('active', 'suspended', 'expired') as ran_out,
                   exists (select from contracting_contract n
                            where n.previous_id = c.id and n.team_id = c.team_id
                              and n.status in ('signed', 'active', 'suspended', 'expired', 'ended', 'transferred')
                          ) as is_renewed
              from contracting_contract c
              join contracting_team t on t.id = c.team_id
             where c.starts_on is not null and c.ends_on > c.starts_on
        """,  # noqa: S608 (constant text)
    ),
    FactTable(
        name="person",
        grain="one resident registered at a centre",
        columns={
            "resident_id": Column("int64", "id", "the resident"),
            "centre_id": Column("int64", "id", "where registered"),
            "since": Column("date", "day", "registered since"),
            "until": Column("date", "day", "day of death, far away for the living"),
            "is_key": Column("boolean", "yes/no", "belongs to a key group"),
        },
        sql=f"""
            select r.id as resident_id, r.centre_id, (b.since at time zone 'Asia/Shanghai')::date as since,
                   coalesce(r.deceased_on, date '9999-12-31') as until, {_KEY.format(resident="r.id")}
              from residents_resident r
              join residents_basis b on b.resident_id = r.id and b.kind = 'registered'
                                    and b.organization_id = r.centre_id
        """,  # noqa: S608 (constant text)
    ),
    FactTable(
        name="service",
        grain="one promised service done for one resident",
        columns={
            "service_id": Column("int64", "id", "the service"),
            "resident_id": Column("int64", "id", "the resident"),
            "centre_id": Column("int64", "id", "the centre of the team"),
            "day": Column("date", "day", "when"),
            "act": Column("string", "code", "which kind of service"),
        },
        sql="""
            select s.id as service_id, c.resident_id, t.organization_id as centre_id, s.on as day, i.act
              from contracting_service s
              join contracting_contract c on c.id = s.contract_id
              join contracting_team t on t.id = c.team_id
              join contracting_packageitem i on i.id = s.item_id
        """,
    ),
]
