"""What helpers of a team are sent to do at residents' homes."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import ME, ROLE, Rows
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models.packages import Act
from kangqiao.domain.contracting.models.teams import Helper
from kangqiao.domain.contracting.states import HOME_VISIT
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.kernel.states import State

SENT = (
    f"{ROLE} = '{Role.HELPER.value}' AND EXISTS"
    f" (SELECT FROM contracting_helper sent WHERE sent.id = helper_id AND sent.user_id = {ME} AND sent.until IS NULL)"
)


class HomeVisit(BaseModel):
    """A helper goes to a contracted resident on a day, for something the written scope holds (FHIR Appointment)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    helper = models.ForeignKey(Helper, models.PROTECT, related_name="visits")
    act = models.CharField(max_length=20, choices=Act)
    on = models.DateField()
    status = models.CharField(max_length=16, choices=HOME_VISIT.choices(), default=HOME_VISIT.initial)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resident", "helper", "on"), condition=Q(status="planned"), name="home_visit_once_a_day"
            ),
        )
        indexes = (models.Index(fields=("helper", "on"), condition=Q(status="planned"), name="home_visit_planned"),)
        ordering = ("on", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see, a helper the visits they were sent on", f"{OF_RESIDENT} OR ({SENT})")
        identifying = ("resident",)
        clinical = ()
        operational = ("helper", "act", "on", "status")

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return HOME_VISIT.state(self.status)
