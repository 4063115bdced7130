"""Carries out a Dockerfile's stages, each in a root of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from time import monotonic

from trials.image.box import SYSTEM_PATH, Box
from trials.image.context import read_context
from trials.image.dockerfile import Instruction, NotUnderstood, Stage, expand
from trials.image.roots import copy_root, make_base

RUN_SECONDS = 1200
CERTIFICATES = Path("/etc/ssl/certs")
# A machine behind a company's own authority: Docker's network would not need these.
BUNDLE = "/mnt/ca-certificates.crt"
STAND_IN = dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), BUNDLE)


@dataclass
class Built:
    """A stage's root and what a container of it is started with."""

    root: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": SYSTEM_PATH})
    args: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    shell: list[str] = field(default_factory=lambda: ["/bin/sh", "-c"])
    labels: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def at(self, path: str) -> str:
        """Make a path of the image absolute."""
        return str(PurePosixPath(self.workdir) / path)


@dataclass
class Builder:
    """Carries out stages in order; `note` is told every step and its seconds."""

    context: Path
    place: Path
    note: Callable[[str, float], None]
    build_args: Mapping[str, str] = field(default_factory=dict)
    stages: dict[str, Built] = field(default_factory=dict)

    def build(self, stages: list[Stage]) -> Built:
        """Build every stage and give the last one; raises NotUnderstood with the failed step."""
        for stage in stages:
            built = Built(self.place / stage.name)
            copy_root(self._root_of(stage.base), built.root)
            for one in stage.instructions:
                started = monotonic()
                getattr(self, f"_{one.name.lower()}")(built, one)
                if one.name in ("RUN", "COPY"):
                    words = " ".join(one.text.split())
                    shown = words if len(words) < 70 else words[:66] + " ..."
                    self.note(f"{stage.name}: {one.name} {shown}", monotonic() - started)
            self.stages[stage.name] = built
        return built

    def _root_of(self, base: str) -> Path:
        if base in self.stages:
            raise NotUnderstood(f"FROM {base}: a stage on top of a stage is not carried out here")
        root = self.place / "base"
        if not root.exists():
            started = monotonic()
            make_base(base, root)
            self.note(f"FROM {base}: a root by debootstrap stands for it", monotonic() - started)
        return root

    def _run(self, built: Built, one: Instruction) -> None:
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", built.root / "etc" / name)
        if built.user != "0:0":
            raise NotUnderstood(f"line {one.line}: RUN as {built.user} is not carried out here")
        env = {"HOME": "/root", **built.args, **built.env}
        box = Box(built.root, env, built.workdir, mode="build", read=CERTIFICATES, extra=STAND_IN)
        done = box.run([*built.shell, one.text], seconds=RUN_SECONDS)
        if done.returncode:
            told = (done.stdout + done.stderr)[-3000:]
            raise NotUnderstood(f"line {one.line}: RUN ended with {done.returncode}:\n{told}")

    def _copy(self, built: Built, one: Instruction) -> None:
        *sources, target = expand(one.text, {**built.args, **built.env}).split()
        destination = built.root / built.at(target).lstrip("/")
        as_folder = target.endswith("/") or len(sources) > 1
        for source in sources:
            if "from" in one.flags:
                root = self.stages[one.flags["from"]].root / source.lstrip("/")
                shutil.copytree(root, destination, symlinks=True, dirs_exist_ok=True)
            else:
                self._copy_in(PurePosixPath(source), destination, as_folder, one.line)

    def _copy_in(self, source: PurePosixPath, to: Path, as_folder: bool, line: int) -> None:
        """Copy a file, or a folder's contents, as root's own, with the modes that they have."""
        seen = [path for path in read_context(self.context) if path.is_relative_to(source)]
        if not seen:
            raise NotUnderstood(f"line {line}: COPY {source}: not there, or ignored")
        for path in seen:
            inside = path.relative_to(source)
            target = to / inside if inside.parts else (to / path.name if as_folder else to)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.context / path, target)
            os.chown(target, 0, 0)

    def _arg(self, built: Built, one: Instruction) -> None:
        for name, value in one.pairs().items():
            built.args[name] = self.build_args.get(name, expand(value, built.env))

    def _env(self, built: Built, one: Instruction) -> None:
        known = {**built.args, **built.env}
        built.env |= {name: expand(value, known) for name, value in one.pairs().items()}

    def _label(self, built: Built, one: Instruction) -> None:
        known = {**built.args, **built.env}
        built.labels |= {name: expand(value, known) for name, value in one.pairs().items()}

    def _workdir(self, built: Built, one: Instruction) -> None:
        built.workdir = built.at(expand(one.text, built.env))
        (built.root / built.workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _user(self, built: Built, one: Instruction) -> None:
        if not all(part.isdigit() for part in one.text.split(":", 1)) or ":" not in one.text:
            raise NotUnderstood(f"line {one.line}: USER needs numbers here, like 10001:10001")
        built.user = one.text

    def _shell(self, built: Built, one: Instruction) -> None:
        built.shell = one.listed()

    def _entrypoint(self, built: Built, one: Instruction) -> None:
        built.entrypoint = one.listed()

    def _cmd(self, built: Built, one: Instruction) -> None:
        built.command = one.listed()

    def _healthcheck(self, built: Built, one: Instruction) -> None:
        kind, _, rest = one.text.partition(" ")
        if kind != "CMD":
            raise NotUnderstood(f"line {one.line}: HEALTHCHECK needs CMD")
        built.health = Instruction(one.line, "HEALTHCHECK", rest.strip()).listed()
