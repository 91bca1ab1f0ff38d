"""Writing the record."""

from kangqiao.domain.records.actions.immunizing import correct_immunization, record_immunization
from kangqiao.domain.records.actions.importing import (
    KnownCondition,
    KnownMedicine,
    PastDose,
    PastValue,
    PastVisit,
    import_doses,
    import_expert_visits,
    import_history,
    import_lived_with,
    import_values,
)
from kangqiao.domain.records.actions.keeping import (
    end_condition,
    record_allergy,
    record_condition,
    refute_allergy,
    start_medication,
    stop_medication,
)
from kangqiao.domain.records.actions.measuring import Measured, correct_observation, record_observations
from kangqiao.domain.records.actions.visiting import Told, record_visit
from kangqiao.domain.records.actions.writing import record_encounter, write_document

__all__ = [
    "KnownCondition",
    "KnownMedicine",
    "Measured",
    "PastDose",
    "PastValue",
    "PastVisit",
    "Told",
    "correct_immunization",
    "correct_observation",
    "end_condition",
    "import_doses",
    "import_expert_visits",
    "import_history",
    "import_lived_with",
    "import_values",
    "record_allergy",
    "record_condition",
    "record_encounter",
    "record_immunization",
    "record_observations",
    "record_visit",
    "refute_allergy",
    "start_medication",
    "stop_medication",
    "write_document",
]
