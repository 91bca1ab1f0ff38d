"""Installs the locked packages into `.venv`, from nothing but the system's Python.

    python3 requirements/install.py base [test] [check]
    python3 requirements/install.py lock

Makes the environment if it is missing, fetches the pinned installer (uv) into a temporary folder, installs each named
lock with hashes checked, then the project itself. A lock already installed in this environment is skipped. If uv
cannot be had or fails, pip does the same work, only slower. Addresses come from pip's own configuration, never from
the locks.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = pathlib.Path(os.environ.get("VENV", ROOT / ".venv")).resolve()
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", flush=True)


def fail(text: str) -> None:
    """A sentence on standard error, then the end."""
    print(f"✗ {text}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def run(*command: str | pathlib.Path, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """A command whose output is kept, and shown only if it fails."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True)
    if done.returncode and not quiet:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
    return done


def make_environment() -> None:
    """A virtual environment with pip; Debian may keep `ensurepip` in a package of its own."""
    if PYTHON.exists() and run(PYTHON, "-c", "import pip", quiet=True).returncode == 0:
        return
    if VENV.exists():
        say(f"the environment {VENV} is broken or half made; making it anew")
        shutil.rmtree(VENV)
    say(f"Python {'.'.join(map(str, sys.version_info[:3]))}: making the environment {VENV.name}")
    if run(sys.executable, "-m", "venv", VENV, quiet=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    package = f"python3.{sys.version_info[1]}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Python's venv module is incomplete here; installing Debian's {package}")
        run("apt-get", "update", "-qq", quiet=True)
        if run("apt-get", "install", "-y", "-qq", package).returncode == 0:
            if run(sys.executable, "-m", "venv", VENV).returncode == 0:
                return
            shutil.rmtree(VENV, ignore_errors=True)
    fail(f"Python cannot make a virtual environment here. Install the package {package} (or python3-venv), then again.")


def index_options() -> list[str]:
    """What pip is configured to ask, in uv's words: uv does not read pip's configuration."""
    options: list[str] = []
    for key, flag, variable in (
        ("index-url", "--default-index", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "--index", "UV_INDEX"),
        ("find-links", "--find-links", "UV_FIND_LINKS"),
    ):
        if os.environ.get(variable):
            continue
        value = os.environ.get("PIP_" + key.upper().replace("-", "_"), "")
        for section in ("global", "install"):
            value = value or run(PYTHON, "-m", "pip", "config", "get", f"{section}.{key}", quiet=True).stdout
        for address in value.split():
            options += [flag, address]
    return [*options, "--index-strategy", "unsafe-best-match"]  # as pip chooses; the hashes keep it safe


def fetch_uv(folder: str) -> pathlib.Path | None:
    """The pinned uv, unpacked into a temporary folder; None where it cannot be had."""
    lock = ROOT / "requirements" / "bootstrap.lock"
    done = run(
        PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--only-binary=:all:",
        "--target", folder, "-r", lock, quiet=True,
    )  # fmt: skip
    found = pathlib.Path(folder) / "bin" / "uv"
    return found if done.returncode == 0 and found.exists() else None


def digest_of(lock: pathlib.Path) -> str:
    """What the stamp of a lock holds: its content and the Python it was installed for."""
    return hashlib.sha256(lock.read_bytes() + sys.version.encode() + str(ROOT).encode()).hexdigest()


def install_lock(name: str, uv: pathlib.Path | None, addresses: list[str]) -> None:
    """One lock, hashes checked."""
    lock = ROOT / "requirements" / f"{name}.lock"
    if uv is not None:
        common = [uv, "pip", "install", "-q", "--python", PYTHON, "--link-mode", "copy"]
        if run(*common, *addresses, "--require-hashes", "-r", lock).returncode == 0:
            return
        say("uv could not do it; trying pip")
    done = run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", lock)
    if done.returncode:
        fail(
            f"The packages of requirements/{name}.lock could not be installed; the lines above say why. "
            "Nothing else was changed; `make` takes up where it stopped."
        )


def install_project() -> None:
    """The project itself, editable: code is read from `src`."""
    done = run(
        PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT
    )
    if done.returncode:
        fail("The project itself could not be installed; the lines above say why.")


def compile_what_starts() -> None:
    """Import once what the first start imports, so that the bytecode is there. All of it would be 90 MB more."""
    began = time.monotonic()
    code = "import django; django.setup(); import kangqiao.config.urls, kangqiao.engines.planning, granian, duckdb"
    settings = {"DJANGO_SETTINGS_MODULE": "kangqiao.config.settings", "KANGQIAO_SECRET_KEY": "unused"}
    done = subprocess.run([PYTHON, "-c", code], env=os.environ | settings, text=True, capture_output=True)
    if done.returncode:
        fail(f"The installed packages do not work together on this machine:\n{done.stderr[-2000:]}")
    say(f"everything imports ({time.monotonic() - began:.0f} s)")


def write_locks() -> None:
    """Every lock anew, from pyproject.toml and the two small lists; versions and hashes, no addresses."""
    with tempfile.TemporaryDirectory(prefix="kangqiao-uv-") as folder:
        uv = fetch_uv(folder)
        if uv is None:
            fail("uv could not be fetched; the locks stay as they are.")
        common = [uv, "pip", "compile", "-q", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header",
                  "--python-version", ".".join(map(str, OLDEST)), *index_options()]  # fmt: skip
        place = pathlib.Path("requirements")
        for name, sources in {
            "bootstrap": [place / "bootstrap.in"],
            "node": [place / "node.in"],
            "base": ["pyproject.toml", "--group", "build"],
            "test": ["--group", "test", "-c", place / "base.lock"],
            "check": ["--group", "check", "-c", place / "base.lock", "-c", place / "test.lock"],
        }.items():
            say(f"requirements/{name}.lock")
            os.chdir(ROOT)
            if run(*common, *sources, "-o", place / f"{name}.lock").returncode:
                fail(f"requirements/{name}.lock could not be written; the lines above say why.")


def main(names: list[str]) -> None:
    """Install what is not there yet."""
    if sys.version_info < OLDEST:
        fail(f"Kangqiao needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
    make_environment()
    if names == ["lock"]:
        write_locks()
        return
    jobs = [(name, VENV / f".kangqiao-{name}", digest_of(ROOT / "requirements" / f"{name}.lock")) for name in names]
    due = [job for job in jobs if not (job[1].exists() and job[1].read_text() == job[2])]
    if due:
        with tempfile.TemporaryDirectory(prefix="kangqiao-uv-") as folder:
            uv, addresses = fetch_uv(folder), index_options()
            for name, stamp, digest in due:
                began = time.monotonic()
                install_lock(name, uv, addresses)
                stamp.write_text(digest)
                say(f"packages of requirements/{name}.lock installed ({time.monotonic() - began:.0f} s)")
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    stamp = VENV / ".kangqiao-project"
    if due or not stamp.exists() or stamp.read_text() != project:
        install_project()
        compile_what_starts()
        stamp.write_text(project)


if __name__ == "__main__":
    main(sys.argv[1:] or ["base"])
