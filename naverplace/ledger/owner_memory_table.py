"""The memory of what the owner was told: one item of table `session`, changed by one at a time.

While DynamoDB cannot be reached it is a file of this machine, so that the outage itself is told
once; the first memory that can be written again takes that file in.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from boto3.dynamodb.conditions import Attr
from pydantic import ValidationError

from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.base.files import write_whole
from naverplace.domain.owner_memory import OwnerMemory

ITEM = "naverplace-owner-memory"
TELLING = timedelta(minutes=2)  # longer than the slowest channel takes; then another one may tell
_WAIT = 0.2  # seconds
log = logging.getLogger(__name__)


@dataclass
class OwnerMemoryTable:
    """The memory, for one run or job."""

    table: StateTable
    clock: Clock
    teller: str = field(default_factory=lambda: uuid4().hex)
    offline: bool = False  # DynamoDB was not reached

    def acquire(self, edit: Callable[[OwnerMemory], tuple[OwnerMemory, bool]]) -> OwnerMemory:
        """Change the memory; when `edit` asks for it, nobody else changes it until `release`.

        Waits for another one that is telling. Raises nothing: what cannot be read is a file's.
        """
        patience = time.monotonic() + TELLING.total_seconds()
        while not self.offline:
            try:
                memory = self._read()
                held = memory.telling_until and memory.telling_until > self.clock.now()
                if held and time.monotonic() < patience:
                    time.sleep(_WAIT)
                    continue
                wanted, holds = edit(self._with_file(memory))
                if holds:
                    until = self.clock.now() + TELLING
                    wanted = wanted.model_copy(update={"telling_until": until})
                if wanted == memory or self._write(memory, wanted):
                    return wanted.model_copy(update={"version": memory.version + 1})
            except NaverPlaceError as error:
                log.warning("what the owner was told is remembered in %s: %s", self.file, error)
                self.offline = True
        wanted, _ = edit(self._read_file())
        self._write_file(wanted)
        return wanted

    def release(self, taken: OwnerMemory, memory: OwnerMemory) -> None:
        """Write the memory that was taken, after telling, and let others change it."""
        memory = memory.model_copy(update={"telling_until": None})
        try:
            if not self.offline:
                self._write(taken, memory)
                return
        except NaverPlaceError as error:
            log.warning("what the owner was told is remembered in %s: %s", self.file, error)
        self._write_file(memory)

    def read(self) -> OwnerMemory:
        """Read what is remembered, in table and file. Raises Transient, Permanent."""
        return self._with_file(self._read())

    def _read(self) -> OwnerMemory:
        item = self.table.get(ITEM) or {}
        try:
            return OwnerMemory.model_validate(item)
        except ValidationError:
            log.exception("item %s is not readable: what it held is told once more", ITEM)
            return OwnerMemory(version=int(item.get("version", 0)))

    def _write(self, seen: OwnerMemory, wanted: OwnerMemory) -> bool:
        """Write over what was seen; False when somebody was faster."""
        item = {
            **wanted.model_dump(mode="json", exclude_none=True),
            "version": seen.version + 1,
            "id": ITEM,
            "teller": self.teller,
        }
        unchanged = Attr("version").eq(seen.version)
        condition = unchanged if seen.version else Attr("version").not_exists()
        found = self.table.table.put(item, condition=condition)
        # botocore repeats a write whose answer was lost, and then meets its own first try.
        mine = found is not None and found.get("teller") == self.teller
        written = found is None or (mine and found.get("version") == seen.version + 1)
        if written:
            with suppress(OSError):  # a folder of another user's holds nothing of ours
                self.file.unlink(missing_ok=True)
        return written

    @property
    def file(self) -> Path:
        """Give the file for this table, in a folder that only this user may enter."""
        meta = getattr(self.table.table.client, "meta", None)  # of botocore's; not of a simulation
        place = f"{getattr(meta, 'endpoint_url', '')} {self.table.table.name}"
        name = hashlib.sha256(place.encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"naverplace-{os.getuid()}" / f"told-{name}.json"

    def _with_file(self, memory: OwnerMemory) -> OwnerMemory:
        return memory.merged_with(self._read_file())

    def _read_file(self) -> OwnerMemory:
        try:
            self._ensure_own_folder()
            return OwnerMemory.model_validate_json(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return OwnerMemory()
        except (OSError, ValidationError) as error:
            log.warning("%s is not readable: %s", self.file, type(error).__name__)
            return OwnerMemory()

    def _write_file(self, memory: OwnerMemory) -> None:
        try:
            self.file.parent.mkdir(mode=0o700, exist_ok=True)
            self._ensure_own_folder()
            write_whole(self.file, memory.model_dump_json())
        except (OSError, NaverPlaceError) as error:
            log.warning("%s was not written: %s", self.file, type(error).__name__)

    def _ensure_own_folder(self) -> None:
        if self.file.parent.stat().st_uid != os.getuid():
            raise PermissionError(self.file.parent)
