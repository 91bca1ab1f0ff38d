"""Every model says of every field, exactly once, whether it is identifying, clinical or operational."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from tests.repository.sources import none

KINDS = ("identifying", "clinical", "operational")
# Tables that are not ours: they hold no word about a person, or their owner says so.
THIRD_PARTIES = {
    "contenttypes": "names of models",
    "auth": "groups and permissions of the framework, unused: roles are memberships",
    "sessions": "a session key and the chosen seat, gone with the session",
    "procrastinate": "jobs by id; arguments are ids and dates",
}


def faults(model: type[models.Model]) -> Iterator[str]:
    """What the model's `Privacy` leaves out, says twice or says of a field that is not there."""
    own = model.__dict__.get("Privacy")
    if own is None:
        yield f"{model._meta.label} has no class Privacy of its own"
        return
    listed = Counter(name for kind in KINDS for name in getattr(own, kind, ()))
    # A parent's table answers for its own fields; the link to it and the automatic key carry nothing.
    fields = {
        field.name
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many)
        if not (
            isinstance(field, models.AutoField | models.BigAutoField) or getattr(field.remote_field, "parent_link", 0)
        )
    }
    for name in sorted(fields - set(listed)):
        yield f"{model._meta.label}.Privacy does not list {name}"
    for name in sorted(set(listed) - fields):
        yield f"{model._meta.label}.Privacy lists {name}, which is no field of it"
    for name in sorted(name for name, times in listed.items() if times > 1):
        yield f"{model._meta.label}.Privacy lists {name} {listed[name]} times"


def test_every_model_lists_every_field_once() -> None:
    models_of_ours = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label not in THIRD_PARTIES]

    assert models_of_ours
    none(fault for model in models_of_ours for fault in faults(model))


def test_third_parties_are_installed_and_not_ours() -> None:
    configs = {config.label: config.name for config in apps.get_app_configs()}

    assert set(THIRD_PARTIES) <= set(configs)
    assert not [label for label in THIRD_PARTIES if configs[label].startswith("kangqiao")]


@isolate_apps("kangqiao.base")
def test_faults_finds_planted_ones() -> None:
    class Planted(models.Model):
        name = models.CharField(max_length=5)
        phone = models.CharField(max_length=5)

        class Meta:
            app_label = "base"

        class Privacy:
            identifying = ("name", "nickname")
            clinical = ("name",)

    class Silent(models.Model):
        name = models.CharField(max_length=5)

        class Meta:
            app_label = "base"

    class Child(Planted):
        note = models.TextField()

        class Meta:
            app_label = "base"

        class Privacy:
            clinical = ("note",)

    assert list(faults(Planted)) == [
        "base.Planted.Privacy does not list phone",
        "base.Planted.Privacy lists nickname, which is no field of it",
        "base.Planted.Privacy lists name 2 times",
    ]
    assert list(faults(Silent)) == ["base.Silent has no class Privacy of its own"]
    assert list(faults(Child)) == []
