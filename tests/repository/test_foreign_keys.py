"""Foreign keys point down the ladder, also when written as strings; they protect; they grow nothing upwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.test.utils import isolate_apps

from tests.repository.sources import ladder, none

BASE = -1  # below every module; knows none of them


def faults(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """What is wrong with the relations of these models."""
    for model in found:
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            if field.remote_field is None:
                continue
            here, there = model._meta.app_label, _label(field.remote_field.model, here=model._meta.app_label)
            said = f"{model._meta.label}.{field.name}"
            if here != there and not _height(here) > _height(there):
                yield f"{said}: {here} does not stand above {there}"
            if not field.many_to_many and field.remote_field.on_delete is not models.PROTECT:
                yield f"{said}: on_delete is not PROTECT"
            if here != there and not field.remote_field.hidden:
                yield f'{said}: related_name="+" is missing; {there} must grow no attribute of {here}'


def _label(target: Any, *, here: str) -> str:
    """The app of a relation's target; while it is not loaded the target is still the string that was written."""
    if isinstance(target, str):
        return target.split(".")[0] if "." in target else here
    label: str = target._meta.app_label
    return label


def _height(label: str) -> int:
    return ladder().get(label, BASE)


def ours() -> list[type[models.Model]]:
    """Every model of the project."""
    return [model for model in apps.get_models() if model.__module__.startswith("kangqiao.")]


def test_foreign_keys_point_down_and_protect() -> None:
    none(faults(ours()))


def test_every_module_with_models_stands_on_the_ladder() -> None:
    labels = {model._meta.app_label for model in ours()} - {"base"}

    assert labels
    assert labels <= set(ladder())


@pytest.mark.parametrize(
    ("app", "target", "options", "expected"),
    [
        ("institutions", "scheduling.Booking", {"related_name": "+"}, "institutions does not stand above scheduling"),
        ("finance", "publication.Publication", {"related_name": "+"}, "finance does not stand above publication"),
        ("base", "accounts.User", {"related_name": "+"}, "base does not stand above accounts"),
        ("finance", "accounts.User", {}, 'related_name="+" is missing'),
        ("finance", "accounts.User", {"related_name": "+", "on_delete": models.CASCADE}, "is not PROTECT"),
        ("finance", "self", {"on_delete": models.SET_NULL, "null": True}, "is not PROTECT"),
    ],
)
@isolate_apps("kangqiao.base")
def test_faults_finds_planted_one(app: str, target: str, options: dict[str, Any], expected: str) -> None:
    relation: Any = models.ForeignKey(target, **{"on_delete": models.PROTECT, **options})
    planted = type(
        "Planted",
        (models.Model,),
        {"__module__": __name__, "Meta": type("Meta", (), {"app_label": app}), "far": relation},
    )

    found = list(faults([planted]))

    assert len(found) == 1
    assert expected in found[0]


@isolate_apps("kangqiao.base")
def test_faults_leaves_a_right_one_alone() -> None:
    class Right(models.Model):
        far = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
        near = models.ForeignKey("self", models.PROTECT, related_name="parts")
        keys = ArrayField(models.CharField(max_length=5))

        class Meta:
            app_label = "finance"

    assert list(faults([Right])) == []
