"""buildah builds the Dockerfile, podman runs the image; both keep it in a folder of their own."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from trials.image.report import say

IMAGE = "localhost/naverplace"
BASE = "localhost/debian:bookworm-slim"
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# As debian:bookworm-slim has them, which mmdebstrap's base stands for.
SOURCES = "".join(
    f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n\n"
    for uri, suites in (
        (MIRROR, f"{SUITE} {SUITE}-updates"),
        (f"{MIRROR}-security", f"{SUITE}-security"),
    )
)
# No manuals, no descriptions in other languages, and no wait for the disk at each file.
SLIM = (
    "--aptopt=Acquire::Languages none",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-include=/usr/share/locale/locale.alias",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)
SEARCH_PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPANY_AUTHORITIES = Path("/usr/local/share/ca-certificates")
PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
WHEELS = "buildah-cache/root/.cache/uv"  # where buildah keeps the cache that the Dockerfile mounts
# As `docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges`.
HARDENED = (
    *("--network", "host", "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:mode=1777"),  # noqa: S108
    *("--cap-drop", "all", "--security-opt", "no-new-privileges", "--no-healthcheck"),
)


class BuildFailed(Exception):
    """The image could not be built; the text says which step failed and how."""


def install_programs() -> None:
    """Install what is missing of Debian's packages. Raises BuildFailed without root or apt-get."""
    if os.geteuid() != 0:
        raise BuildFailed("mounts and a Debian root need root: run it as root")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        say(f"installing {', '.join(missing)} from Debian")
        _run(["apt-get", "update", "-q"])
        _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing])


@dataclass
class Engine:
    """An engine whose images, containers and temporary files all lie in one folder."""

    folder: Path

    def make_base(self) -> None:
        """Make BASE, the root that stands for debian:bookworm-slim. Raises BuildFailed."""
        sources, root = self.folder / "debian.sources", self.folder / "base.tar"
        sources.write_text(SOURCES, encoding="utf-8")
        words = ["--mode=root", "--variant=minbase", *SLIM, SUITE, str(root), str(sources)]
        with _timed("mmdebstrap: a root that stands for debian:bookworm-slim"):
            _run(["mmdebstrap", *words])
        with _timed("podman: the base image"):
            self.podman("import", "--quiet", "--change", SEARCH_PATH, str(root), BASE)
        root.unlink()

    def build(self, context: Path, *, layers: bool = True, **build_args: str) -> None:
        """Build the context's Dockerfile as IMAGE. Raises BuildFailed with the end of the log.

        Without `layers` all is one layer on the base, and each file is copied once less.
        """
        authorities = self.folder / "company.crt"
        authorities.write_bytes(
            b"".join(path.read_bytes() for path in sorted(COMPANY_AUTHORITIES.glob("*.crt")))
        )
        options = ["--isolation", "chroot", "--format", "docker", "--tag", IMAGE]
        options += ["--secret", f"id=ca,src={authorities}"]
        self._lend_wheels()
        if layers and self._driver == "overlay":  # vfs copies each one whole
            options += ["--layers"]
        options += [f"--build-arg={name}={value}" for name, value in build_args.items()]
        with _timed("buildah: the Dockerfile"):
            self._buildah("bud", *options, str(context), show="STEP")

    def _lend_wheels(self) -> None:
        """Let the build begin with what `make setup` has downloaded."""
        lent = Path(self._environment["TMPDIR"]) / WHEELS
        if (program := shutil.which("uv")) and not lent.exists():
            kept = Path(_run([program, "cache", "dir"]).strip())
            kept.mkdir(parents=True, exist_ok=True)
            lent.parent.mkdir(parents=True, exist_ok=True)
            lent.symlink_to(kept)

    def _buildah(self, *words: str, show: str = "") -> str:
        return _run(self._words("buildah", *words), env=self._environment, show=show).strip()

    def podman(
        self, *words: str, seconds: float = 120, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a podman command. Raises BuildFailed when it fails, unless `check` is off."""
        done = subprocess.run(
            self._words("podman", *words),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        if check and done.returncode:
            raise BuildFailed(f"podman {words[0]}: {(done.stdout + done.stderr)[-1500:]}")
        return done

    @cached_property
    def config(self) -> dict[str, Any]:
        """Inspect the image: Size in bytes, User, Config with Env, Healthcheck and Labels."""
        inspected: list[dict[str, Any]] = json.loads(self.podman("image", "inspect", IMAGE).stdout)
        return inspected[0]

    @property
    def health_command(self) -> list[str]:
        """Return the words of the image's HEALTHCHECK."""
        return list(self.config["Healthcheck"]["Test"][1:])

    def layers(self) -> list[tuple[float, str]]:
        """List the layers, the base first, as megabytes and the step that made each."""
        shown = self.podman("history", "--human=false", "--no-trunc", "--format", "json", IMAGE)
        steps = [(step["size"] / 1e6, step["CreatedBy"]) for step in json.loads(shown.stdout)]
        words = re.compile(r"/bin/sh -c(?: #\(nop\))?\s*")
        return [(size, words.sub("", step)) for size, step in reversed(steps) if size > 0]

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount the image's files read-only."""
        yield Path(self.podman("image", "mount", IMAGE).stdout.strip())
        self.podman("image", "unmount", IMAGE)

    def run(
        self, *words: str, env: Mapping[str, str] | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a container to its end, with the image's own entry unless `--entrypoint` leads."""
        options, rest = (words[:2], words[2:]) if words[:1] == ("--entrypoint",) else ((), words)
        run = ("run", "--rm", *HARDENED, *_limits(), *_variables(env or {}), *options, IMAGE, *rest)
        return self.podman(*run, seconds=seconds, check=False)

    @contextmanager
    def started(
        self, *words: str, env: Mapping[str, str], log: Path, options: Sequence[str] = ()
    ) -> Iterator[Container]:
        """Start a container in the background; its log is kept, and nothing of it is left."""
        run = ("run", "--detach", *HARDENED, *_limits(), *_variables(env), *options, IMAGE, *words)
        container = Container(self, self.podman(*run).stdout.strip())
        try:
            yield container
        finally:
            logs = self.podman("logs", container.id, check=False)
            log.write_text(logs.stdout + logs.stderr, encoding="utf-8")
            self.podman("rm", "--force", "--time", "0", container.id)

    def remove(self) -> None:
        """Remove everything; an interrupted build leaves mounts."""
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
        for mount in reversed(mounts):
            if Path(mount).is_relative_to(self.folder):
                subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def _driver(self) -> str:
        """Choose overlay, which is not possible on top of another overlay: a container's root."""
        shown = _run(["stat", "--file-system", "--format=%T", str(self.folder)])
        return os.environ.get("STORAGE_DRIVER", "vfs" if "overlay" in shown else "overlay")

    def _words(self, program: str, *words: str) -> list[str]:
        place = ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]
        place += ["--storage-driver", self._driver]
        if program == "podman":
            place += ["--runtime", "runc", "--cgroup-manager", "cgroupfs"]
            place += ["--events-backend", "none"]
        return [program, *place, *words]

    @cached_property
    def _environment(self) -> dict[str, str]:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {**os.environ, "TMPDIR": str(temporary)}


@dataclass(frozen=True)
class Container:
    """A container in the background."""

    engine: Engine
    id: str

    def exec(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as health checks do."""
        return self.engine.podman("exec", self.id, *words, seconds=seconds, check=False)

    def first_process(self) -> int:
        """Return the machine's number of the container's first process."""
        shown = self.engine.podman("inspect", "--format", "{{.State.Pid}}", self.id)
        return int(shown.stdout)

    def wait(self, seconds: float) -> int:
        """Wait for its end and return the exit code. Raises TimeoutExpired."""
        return int(self.engine.podman("wait", self.id, seconds=seconds).stdout)


def _limits() -> list[str]:
    """Limits no higher than this machine's own: raising them needs a right that it may lack."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return ["--ulimit", f"nofile={files}:{files}", "--ulimit", "nproc=4096:4096"]


def _variables(env: Mapping[str, str]) -> list[str]:
    return [f"--env={name}={value}" for name, value in env.items()]


@contextmanager
def _timed(step: str) -> Iterator[None]:
    say(f"           ...  {step}")
    started = monotonic()
    yield
    say(f"{monotonic() - started:7.1f} s       {step}")


def _run(words: list[str], *, env: Mapping[str, str] | None = None, show: str = "") -> str:
    """Run to the end, print lines with `show` as they come, and return standard output."""
    lines = list[str]()
    with subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if show and show in line:
                say(f"           ...  {line.strip()[:100]}")
    if process.returncode:
        raise BuildFailed(f"{' '.join(words[:2])} failed:\n{''.join(lines)[-3000:]}")
    return "".join(lines)
