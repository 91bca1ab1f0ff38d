"""A word that is not in GLOSSARY.md names no model, and the papers' terms stand there as the packs have them."""

from __future__ import annotations

import re

import yaml
from django.apps import apps

from tests.repository.sources import ROOT, none, text

ROW = re.compile(r"^\| `(?P<word>\w+)`(?: \| [^|]+){4} \|$")


def models_named(page: str) -> set[str]:
    """The names of models that have a whole row: Chinese, English, FHIR and where it comes from."""
    rows = (ROW.match(line) for line in page.splitlines())
    return {row["word"] for row in rows if row}


def test_every_model_name_is_in_the_glossary() -> None:
    ours = {model.__name__ for model in apps.get_models() if model.__module__.startswith("kangqiao.")}
    named = models_named(text(ROOT / "GLOSSARY.md"))

    none((f"{word} is no word of GLOSSARY.md" for word in sorted(ours - named)), "Give it a row, or a better name.")
    none(f"GLOSSARY.md names {word}, which is no model" for word in sorted(named - ours))


def test_every_term_of_the_packs_is_in_the_glossary() -> None:
    page = text(ROOT / "GLOSSARY.md")
    terms = yaml.safe_load(text(ROOT / "packs" / "cn-national" / "glossary.yaml"))["terms"]

    assert terms
    none(t["zh"] for t in terms if f"| {t['zh']} | {t['en']} | {t['fhir']} |" not in page)


def test_models_named_wants_a_whole_row() -> None:
    page = (
        "| `Slot` | 号源 | slot | Slot | SZ16 |\n| `Half` | 半天 |\nText with `Session`.\n| Word | 词 | w | none | x |"
    )

    assert models_named(page) == {"Slot"}
