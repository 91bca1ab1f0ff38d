"""Translations: what the pages say, collected from the sources and held against the catalogues.

The msgid is Chinese; English is complete. Every app folder keeps its own `locale/en/LC_MESSAGES/django.po`; words the
base has already need not be said again. Catalogues are sorted and carry no dates, so authors rarely meet on one line.
No gettext programs are needed.

    python -m kangqiao.base.translations check      what is missing, left over, contradictory, untranslatable; exit 1
    python -m kangqiao.base.translations update [domain/referral …]
                                                    adds what is missing with an empty English, drops what is left over
    python -m kangqiao.base.translations compile    .po to .mo

Text that is no interface text (a name, a quoted clause) says so on its line: `# untranslated: why` in Python,
`{# untranslated: why #}` in a template.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polib

PACKAGE = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale") / "en" / "LC_MESSAGES" / "django.po"
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
MARK = re.compile(r"untranslated:\s*\S")
# Which argument of a call is the context, the msgid, the plural.
CALLS: dict[str, tuple[int | None, int, int | None]] = {
    name + lazy: places
    for name, places in {
        "gettext": (None, 0, None),
        "ngettext": (None, 0, 1),
        "pgettext": (0, 1, None),
        "npgettext": (0, 1, 2),
    }.items()
    for lazy in ("", "_lazy")
} | {"_": (None, 0, None), "gettext_noop": (None, 0, None)}
TEMPLATE_CALLS = {
    "gettext": None,
    "_": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Files whose Chinese reaches a reader, and must go through gettext. States carry both names themselves.
# Demonstration data is data; commands speak English.
SPEAKING = frozenset(
    {"views", "forms", "queries", "actions", "permissions", "rules", "access", "transition", "context"}
)
SPEAKING_FOLDERS = frozenset({"edges", "pathways", "templatetags"})
SILENT_FOLDERS = frozenset({"tests", "migrations", "commands", "server", "demonstration"})


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the product says: its msgid, plural and context, and where it stands."""

    msgid: str
    plural: str
    context: str
    path: Path
    line: int

    @property
    def key(self) -> tuple[str, str]:
        """What a catalogue knows it by."""
        return self.context, self.msgid


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, with the file and line to go to."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def from_python(source: str, path: Path) -> Iterator[Said]:
    """Everything a Python source says through gettext, f-strings too. Raises SyntaxError where it cannot be read."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called_name(node.func) in CALLS:
            texts = [
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
                for part in node.args
            ]
            context, msgid, plural = (
                texts[place] if place is not None and place < len(texts) else ""
                for place in CALLS[called_name(node.func)]
            )
            if msgid:
                yield Said(msgid, plural, context, path, node.lineno)


def from_template(source: str, path: Path) -> Iterator[Said]:
    """Everything a template says through translate and blocktranslate, in component attributes too."""
    from babel.messages.extract import extract
    from django.utils.translation.template import templatize

    flat = "\n".join(line.strip() for line in templatize(source, origin=str(path)).split("\n"))
    found: Any = extract("python", io.BytesIO(flat.encode()), keywords=TEMPLATE_CALLS)
    for line, message, _comments, context in found:
        first, plural = (message, "") if isinstance(message, str) else (message[0], message[1])
        if first:
            yield Said(first, plural or "", context or "", path, line)


def sources(root: Path) -> Iterator[Path]:
    """Python files and templates of the product, in order; tests and migrations say nothing to a reader."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts[:-1]
        if SILENT_FOLDERS.intersection(inside) - ({"commands", "server"} if path.suffix == ".html" else set()):
            continue
        if path.suffix == ".py" or (path.suffix in (".html", ".txt") and "templates" in inside):
            yield path


def said(root: Path = PACKAGE) -> list[Said]:
    """Everything the product says, by file and line."""
    found: list[Said] = []
    for path in sources(root):
        read = from_python if path.suffix == ".py" else from_template
        found.extend(read(path.read_text(encoding="utf-8"), path))
    return found


def home(path: Path, root: Path = PACKAGE) -> Path:
    """The app folder that keeps a file's translations: the nearest with an `apps.py`, else the base."""
    for folder in path.parents:
        if folder == root or root not in folder.parents:
            break
        if (folder / "apps.py").exists():
            return folder
    return root / "base"


def catalogues(root: Path = PACKAGE) -> list[Path]:
    """Every catalogue of the product."""
    return sorted(path for path in root.rglob("django.po") if path.parts[-4] == "locale")


def opened(path: Path) -> polib.POFile:
    """The catalogue at that path; an empty one where there is none yet."""
    import polib

    if path.exists():
        return polib.pofile(str(path), wrapwidth=0)
    fresh = polib.POFile(wrapwidth=0)
    fresh.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": path.parts[-3],
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return fresh


def key_of(entry: polib.POEntry) -> tuple[str, str]:
    """What an entry is known by."""
    return entry.msgctxt or "", entry.msgid


def is_translated(entry: polib.POEntry) -> bool:
    """Whether the entry has its English, in every plural form, and is not fuzzy."""
    if entry.fuzzy or entry.obsolete:
        return False
    if entry.msgid_plural:
        return len(entry.msgstr_plural) > 1 and all(entry.msgstr_plural.values())
    return bool(entry.msgstr)


def by_app(found: Iterable[Said], root: Path) -> dict[Path, list[Said]]:
    """What each app folder says."""
    apps: dict[Path, list[Said]] = {root / "base": []}
    for one in found:
        apps.setdefault(home(one.path, root), []).append(one)
    return apps


def missing(root: Path = PACKAGE) -> list[Fault]:
    """What is said somewhere and has no English, neither in its app's catalogue nor in the base's."""
    shared = {key_of(entry) for entry in opened(root / "base" / CATALOGUE) if is_translated(entry)}
    faults = []
    for app, items in by_app(said(root), root).items():
        own = {key_of(entry) for entry in opened(app / CATALOGUE) if is_translated(entry)}
        faults += [
            Fault(one.path, one.line, f"no English for “{one.msgid}” in {(app / CATALOGUE).relative_to(root)}")
            for one in items
            if one.key not in own and one.key not in shared
        ]
    return faults


def stale(root: Path = PACKAGE) -> list[Fault]:
    """What a catalogue still carries though its app (for the base: nobody) says it no more."""
    everything = said(root)
    spoken = by_app(everything, root)
    anywhere = {one.key for one in everything}
    faults = []
    for path in catalogues(root):
        app = path.parents[3]
        keys = anywhere if app == root / "base" else {one.key for one in spoken.get(app, [])}
        faults += [
            Fault(path, entry.linenum, f"“{entry.msgid}” is said no more")
            for entry in opened(path)
            if key_of(entry) not in keys
        ]
    return faults


def contradictions(root: Path = PACKAGE) -> list[Fault]:
    """The same Chinese with two Englishes, or placeholders that do not agree: one of the two would never be seen."""
    first: dict[tuple[str, str], tuple[str, Path]] = {}
    faults = []
    for path in catalogues(root):
        for entry in opened(path):
            if not is_translated(entry):
                continue
            texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
            other, where = first.setdefault(key_of(entry), ("\0".join(texts), path))
            if other != "\0".join(texts):
                faults.append(
                    Fault(path, entry.linenum, f"“{entry.msgid}” reads otherwise in {where.relative_to(root)}")
                )
            wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural or ""))
            for text in texts:
                odd = set(PLACEHOLDER.findall(text)) - wanted
                lost = set(PLACEHOLDER.findall(text)) ^ wanted if len(texts) == 1 else odd
                if lost:
                    faults.append(
                        Fault(path, entry.linenum, f"“{entry.msgid}”: {' '.join(sorted(lost))} does not agree")
                    )
    return faults


def untranslatable_in_template(source: str, path: Path) -> Iterator[Fault]:
    """Chinese a template shows past translate. Comments are not shown; a marked line is data."""
    from django.template.base import Lexer, TokenType

    lines = source.split("\n")
    skipping = ""
    for token in Lexer(re.sub(r"\{#.*?#\}", lambda match: " " * len(match[0]), source)).tokenize():
        word = token.contents.split(None, 1)[0] if token.contents.strip() else ""
        if token.token_type is TokenType.BLOCK:
            if skipping:
                skipping = "" if word == skipping else skipping
            elif word in ("comment", "blocktranslate", "blocktrans"):
                skipping = f"end{word}"
            continue
        if skipping or token.token_type is not TokenType.TEXT:
            continue
        start = token.lineno or 1
        for offset, text in enumerate(token.contents.split("\n")):
            line = start + offset
            if CHINESE.search(text) and not MARK.search(lines[line - 1]):
                yield Fault(path, line, f"not in translate: {text.strip()[:40]}")


def untranslatable_in_python(source: str, path: Path) -> Iterator[Fault]:
    """Chinese literals that reach a reader past gettext. Docstrings say nothing; a marked statement is data."""
    tree = ast.parse(source)
    lines = source.split("\n")
    quiet: set[int] = set()
    statements: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node.func) in CALLS:
            quiet.update(id(part) for part in ast.walk(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            quiet.add(id(node.value))
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            statements.append((node.lineno, node.end_lineno or node.lineno))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and CHINESE.search(node.value)):
            continue
        if id(node) not in quiet and not is_marked(node.lineno, statements, lines):
            yield Fault(path, node.lineno, f"not in gettext: {node.value.strip()[:40]}")


def called_name(func: ast.expr) -> str:
    """The bare name of what is called: `_` of `_()` and of `translation._()`."""
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def is_marked(line: int, statements: list[tuple[int, int]], lines: list[str]) -> bool:
    """Whether the line, the line above it, or the first line or line above of its statement says `untranslated:`."""
    near = {line, line - 1}
    for first, last in statements:
        if first <= line <= last:
            near |= {first, first - 1}
    return any(0 < number <= len(lines) and MARK.search(lines[number - 1]) for number in near)


def untranslatable(root: Path = PACKAGE) -> list[Fault]:
    """Every text a reader would see in Chinese in the English interface."""
    faults: list[Fault] = []
    for path in sources(root):
        source = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            faults += untranslatable_in_template(source, path)
        elif path.stem != "apps" and (
            SPEAKING.intersection((path.stem, path.parent.name))
            or SPEAKING_FOLDERS.intersection(path.relative_to(root).parts)
        ):
            faults += untranslatable_in_python(source, path)
    return faults


def write(path: Path, catalogue: polib.POFile) -> None:
    """Writes a catalogue the same way whoever writes it: sorted by msgid, no dates, no line numbers."""
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    for entry in catalogue:
        entry.occurrences = sorted({(place, "") for place, _line in entry.occurrences})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(catalogue).rstrip("\n") + "\n", encoding="utf-8")


def update(root: Path = PACKAGE, only: Iterable[str] = ()) -> tuple[int, int]:
    """Adds what is missing with an empty English, drops what is said no more; how many of each.

    `only` names app folders below the package, such as `domain/referral`: the others stay as they are.
    """
    import polib

    everything = said(root)
    anywhere = {one.key for one in everything}
    apps = by_app(everything, root)
    shared = {key_of(entry) for entry in opened(root / "base" / CATALOGUE)} | {one.key for one in apps[root / "base"]}
    chosen = {root / name for name in only}
    added = dropped = 0
    for app, items in apps.items():
        if chosen and app not in chosen:
            continue
        path = app / CATALOGUE
        catalogue, base = opened(path), app == root / "base"
        wanted = {one.key: one for one in items if base or one.key not in shared}
        kept = anywhere if base else {one.key for one in items}
        known = {key_of(entry): entry for entry in catalogue}
        for key, entry in known.items():
            if key not in kept:
                catalogue.remove(entry)
                dropped += 1
        for key, one in wanted.items():
            if key not in known:
                forms = {0: "", 1: ""} if one.plural else {}
                catalogue.append(
                    polib.POEntry(
                        msgid=one.msgid, msgid_plural=one.plural, msgctxt=one.context or None, msgstr_plural=forms
                    )
                )
                added += 1
        for entry in catalogue:
            places = {one.path.relative_to(root).as_posix() for one in items if one.key == key_of(entry)}
            entry.occurrences = [(place, "") for place in sorted(places)]
        if len(catalogue) or path.exists():
            write(path, catalogue)
    return added, dropped


def compile_all(root: Path = PACKAGE) -> int:
    """Compiles each catalogue newer than its `.mo`; the number compiled."""
    count = 0
    for source in catalogues(root):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        opened(source).save_as_mofile(str(target))
        count += 1
    return count


def check(root: Path = PACKAGE) -> list[Fault]:
    """Everything wrong with what the product says."""
    return [*untranslatable(root), *missing(root), *stale(root), *contradictions(root)]


def main(arguments: list[str]) -> int:
    """Runs one of check, compile and update; the exit code."""
    match arguments:
        case ["check"]:
            faults = check()
            for fault in faults:
                print(fault)
            print(f"translations: {len(faults)} faults" if faults else "translations: complete")
            return 1 if faults else 0
        case ["update", *only]:
            added, dropped = update(only=only)
            print(f"translations: {added} added, {dropped} dropped")
            return 0
        case ["compile"]:
            print(f"translations: {compile_all()} compiled")
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
