"""How far each role reaches: for every kind of row an address may name, whose rows a role sees there.

The permissions of the modules decide; this table says the same in one place, for the customer's access matrix and for
the tests that ask every address as every role. Where the two differ, a test fails.

`own` is what belongs to the person or their own organisation, an officer's own place included. `related` adds what an
agreement, a posting, a basis or the officer's region ties to it. `all` is what everybody with that role may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kangqiao.domain.accounts.models import Role

OWN, RELATED, ALL = "own", "related", "all"

TREATING = (
    Role.GP, Role.CENTRE_MANAGER, Role.PHARMACIST, Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE,
)  # fmt: skip
HOSPITAL = (Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
LEADERS = (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
EVERYBODY = tuple(Role)
# Who reads tables in: residents, stations and lists at a centre, houses, and the week of a hospital.
IMPORTERS = (Role.CENTRE_MANAGER, Role.SYSTEM_ADMIN, Role.REFERRAL_DESK, *LEADERS, Role.DISPATCHER)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: who reaches how far, and whether its parties keep seeing it when the tie is over."""

    reach: Mapping[str, str] = field(default_factory=dict)
    is_kept: bool = False
    is_public: bool = False

    def of(self, role: str) -> str:
        """How far a role reaches; empty when it sees none of them."""
        return self.reach.get(role, "")


def _kind(
    *,
    own: Iterable[str] = (),
    related: Iterable[str] = (),
    everybody: Iterable[str] = (),
    is_kept: bool = False,
    is_public: bool = False,
) -> Kind:
    levels = ((OWN, own), (RELATED, related), (ALL, everybody))
    reach = {str(role): level for level, roles in levels for role in roles}
    return Kind(MappingProxyType(reach), is_kept, is_public)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "attachment": _kind(
            own=(Role.GP, Role.CENTRE_MANAGER),
            related=(Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE),
        ),
        "agreement": _kind(
            own=(Role.GP, Role.CENTRE_MANAGER),
            is_kept=True,
            related=(*HOSPITAL, Role.DISPATCHER, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER),
        ),
        "appraisal": _kind(own=LEADERS, related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)),
        "booking": _kind(own=(Role.RESIDENT,), related=(Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.EXPERT)),
        "contract": _kind(own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER)),
        "document": _kind(own=(Role.RESIDENT,), related=TREATING),
        "figure": _kind(related=(Role.FINANCE_OFFICER,)),
        "half_day": _kind(
            own=(Role.GP, Role.CENTRE_MANAGER),
            is_kept=True,
            related=(Role.EXPERT, *LEADERS, Role.DISPATCHER, Role.BUREAU_OFFICER),
        ),
        "hospital": _kind(own=LEADERS, related=(Role.BUREAU_OFFICER, Role.SYSTEM_ADMIN)),
        "line": _kind(is_kept=True, related=(*LEADERS, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)),
        "material": _kind(everybody=(Role.GP, Role.CENTRE_MANAGER, Role.BUREAU_OFFICER)),
        "sending": _kind(own=(Role.RESIDENT,)),
        "member": _kind(own=(Role.CENTRE_MANAGER,)),
        "notice": _kind(own=EVERYBODY),
        "immunization": _kind(related=TREATING),
        "observation": _kind(related=TREATING),
        "organization": _kind(
            own=(*LEADERS, Role.CENTRE_MANAGER, Role.REFERRAL_DESK),
            related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER),
        ),
        "package": _kind(own=(Role.CENTRE_MANAGER,), related=(Role.BUREAU_OFFICER,)),
        "paper": _kind(
            own=(Role.GP, Role.CENTRE_MANAGER),
            is_kept=True,
            related=(*HOSPITAL, Role.DISPATCHER, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER),
        ),
        "paper_mark": _kind(is_public=True),
        "posting": _kind(is_kept=True, related=LEADERS),
        "factor": _kind(own=EVERYBODY),
        "chain": _kind(related=(Role.AUDIT_ADMIN,)),
        "identity": _kind(own=EVERYBODY),
        "account": _kind(related=(Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)),
        "job": _kind(own=EVERYBODY),
        "import_batch": _kind(own=IMPORTERS),
        "import_row": _kind(own=IMPORTERS),
        "membership": _kind(related=(Role.SYSTEM_ADMIN,)),
        "role_change": _kind(related=(Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN)),
        "consent": _kind(own=(Role.RESIDENT,)),
        "emergency": _kind(related=(Role.SECURITY_ADMIN,)),
        "question": _kind(own=(Role.RESIDENT, Role.GP, Role.EXPERT), related=(Role.SECURITY_ADMIN,)),
        "sign_in": _kind(own=EVERYBODY),
        "enquiry": _kind(own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER)),
        "service": _kind(own=(Role.RESIDENT,)),
        "plan_item": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "team_task": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "survey": _kind(own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER), related=(Role.EXPERT,)),
        "offer": _kind(own=(Role.CENTRE_MANAGER,)),
        "channel": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "expert": _kind(everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
        "publication": _kind(own=LEADERS, related=(Role.BUREAU_OFFICER,)),
        "published": _kind(everybody=EVERYBODY, is_public=True),
        "referral": _kind(
            own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER),
            related=(Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE),
        ),
        "report": _kind(
            own=(*LEADERS, Role.CENTRE_MANAGER, Role.REFERRAL_DESK),
            related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER),
        ),
        # A helper's page of a resident holds contact and appointments alone.
        "resident": _kind(own=(Role.RESIDENT, Role.HELPER), related=TREATING),
        "roster": _kind(related=(Role.DISPATCHER,)),
        "session": _kind(everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
        "clinic": _kind(
            is_kept=True,
            own=(Role.CENTRE_MANAGER,),
            related=(Role.REFERRAL_DESK, *LEADERS, Role.DISPATCHER),
        ),
        "overbook_right": _kind(own=LEADERS),
        "sitting": _kind(is_kept=True, related=(Role.REFERRAL_DESK, Role.EXPERT)),
        "pool_house": _kind(own=(*LEADERS, Role.REFERRAL_DESK), related=(Role.DISPATCHER, Role.BUREAU_OFFICER)),
        "template": _kind(own=(*LEADERS, Role.REFERRAL_DESK), related=(Role.DISPATCHER, Role.BUREAU_OFFICER)),
        "settlement": _kind(is_kept=True, related=(*LEADERS, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)),
        "team": _kind(own=(Role.GP, Role.CENTRE_MANAGER), related=(Role.BUREAU_OFFICER,)),
        "appeal": _kind(own=(Role.CENTRE_MANAGER,), related=(Role.REFERRAL_DESK,)),
        "missed": _kind(own=(Role.RESIDENT,)),
        "delivery": _kind(related=(Role.SYSTEM_ADMIN,)),
        "displaced": _kind(own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER), related=(Role.REFERRAL_DESK,)),
        "waiting": _kind(own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER)),
        "helper": _kind(own=(Role.CENTRE_MANAGER,)),
        "visit": _kind(own=(Role.HELPER, Role.GP, Role.CENTRE_MANAGER)),
        "health_worker": _kind(own=(Role.CENTRE_MANAGER,)),
        "school_case": _kind(own=(Role.SCHOOL_HEALTH, Role.GP, Role.CENTRE_MANAGER)),
        "zone": _kind(own=(Role.CENTRE_MANAGER,)),
        # A bureau's page of a place holds counts alone.
        "community": _kind(own=(Role.GP, Role.CENTRE_MANAGER), related=(Role.BUREAU_OFFICER,)),
        "approval": _kind(own=(Role.CENTRE_MANAGER,), related=(Role.BUREAU_OFFICER,)),
        "pilot": _kind(own=(Role.GP, Role.CENTRE_MANAGER), related=(Role.BUREAU_OFFICER,)),
        "one_stop": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "one_stop_step": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "station": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "sampling": _kind(own=(Role.BUREAU_OFFICER, Role.CENTRE_MANAGER)),
        "sampled_item": _kind(own=(Role.BUREAU_OFFICER, Role.CENTRE_MANAGER)),
        "affiliation": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "community_visit": _kind(own=(Role.GP, Role.CENTRE_MANAGER)),
        "slot": _kind(everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
    }
)

# Argument of an address → the kind of row it names.
ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "affiliation_id": "affiliation",
        "appeal_id": "appeal",
        "appraisal_id": "appraisal",
        "approval_id": "approval",
        "attachment_id": "attachment",
        "batch_id": "import_batch",
        "booking_id": "booking",
        "chain": "chain",
        "community_id": "community",
        "community_visit_id": "community_visit",
        "consent_id": "consent",
        "contract_id": "contract",
        "delivery_id": "delivery",
        "displaced_id": "displaced",
        "document_id": "document",
        "emergency_id": "emergency",
        "enquiry_id": "enquiry",
        "factor_id": "factor",
        "half_day_id": "half_day",
        "helper_id": "helper",
        "visit_id": "visit",
        "hospital_id": "hospital",
        "case_id": "school_case",
        "channel_id": "channel",
        "identity_id": "identity",
        "immunization_id": "immunization",
        "item_id": "plan_item",
        "job_id": "job",
        "mark": "paper_mark",
        "membership_id": "membership",
        "role_change_id": "role_change",
        "user_id": "account",
        "material_id": "material",
        "sending_id": "sending",
        "member_id": "member",
        "notice_id": "notice",
        "observation_id": "observation",
        "one_stop_id": "one_stop",
        "one_stop_step_id": "one_stop_step",
        "pilot_id": "pilot",
        "station_id": "station",
        "offer_id": "offer",
        "package_id": "package",
        "organization_id": "organization",
        "paper_id": "paper",
        "posting_id": "posting",
        "practitioner_id": "expert",
        "question_id": "question",
        "referral_id": "referral",
        "resident_id": "resident",
        "roster_id": "roster",
        "row_id": "import_row",
        "right_id": "overbook_right",
        "sampled_item_id": "sampled_item",
        "sampling_id": "sampling",
        "service_id": "service",
        "session_id": "session",
        "sign_in_id": "sign_in",
        "slot_id": "slot",
        "survey_id": "survey",
        "task_id": "team_task",
        "team_id": "team",
        "template_id": "template",
        "waiting_id": "waiting",
        "worker_id": "health_worker",
        "zone_id": "zone",
    }
)
# What `pk` names: by the name of the address, else by its first word.
KEYS: Mapping[str, str] = MappingProxyType(
    {
        "agreements": "agreement", "appraisal": "appraisal", "finance": "settlement", "finance-line": "line",
        "finance-verify": "figure", "indicators-report": "report", "publication": "publication", "public": "published",
        "papers-agreement": "agreement", "papers-settlement": "settlement", "papers-publication": "publication",
    }
)  # fmt: skip


# Addresses whose hospital is one as those see it who share its places out and open its clinics.
OF_POOL_HOUSE = (
    "slots-pools-of", "slots-share", "slots-templates-of", "slots-template-new", "slots-opening", "slots-rights-of",
    "slots-partner-share",
)  # fmt: skip


def kind_of(address: str, argument: str) -> str:
    """The kind of row an argument of an address names; empty for a word such as the name of a step."""
    if argument == "pk":
        return KEYS.get(address) or KEYS.get(address.split("-")[0], "")
    if address in OF_POOL_HOUSE:
        return "pool_house"
    if address == "slots-beyond":
        return "sitting"  # a session of the own hospital, to which a patient may be added
    if address == "slots-appeal":
        return "missed"  # a booking, as the one sees it who was awaited
    if address in ("slots-withdraw", "slots-substitute"):
        return "clinic"  # everybody who books may see a session; calling it off is for those who run it
    return ARGUMENTS.get(argument, "")
