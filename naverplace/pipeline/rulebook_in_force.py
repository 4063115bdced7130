"""The rulebook in force: the files, or the last good ones while these are wrong.

The files of the last good rulebook lie together, compressed, in one item of table `session`, where
all workers and the Lambda see them. They fall back as a whole: docs/adr/0021.
"""

from __future__ import annotations

import json
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

from boto3.dynamodb.conditions import Attr

from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL, format_utc, parse_time
from naverplace.base.errors import NaverPlaceError, RulesError
from naverplace.domain.stores import Store, load_stores
from naverplace.redaction.redactor import MARK, REDACTOR, describe
from naverplace.rules.rulebook import Rulebook, load_rulebook
from naverplace.rules.rulebook_version import (
    DatedRule,
    RulebookVersion,
    date_rules,
    read_texts,
    version_of,
    write_texts,
)
from naverplace.settings.schema import Settings

ITEM = "naverplace-rulebook"
_READINGS = 3  # of files that somebody is changing
_LOCK = Lock()
_loaded: list[tuple[Any, Rulebook]] = []  # the last one, and all that it was made of
log = logging.getLogger(__name__)


class InForce(NamedTuple):
    """The rulebook that decides now, and which version it is."""

    rulebook: Rulebook
    version: RulebookVersion


@dataclass(frozen=True)
class _Kept:
    """The last good rulebook, as its item has it."""

    version: str = ""
    since: datetime | None = None
    packed: bytes = field(default=b"", repr=False)
    stores: Mapping[str, str] = field(default_factory=dict)  # aliases by id
    gone: Mapping[str, str] = field(default_factory=dict)  # that earlier versions had
    rules: Mapping[str, DatedRule] | None = None  # None: an earlier program kept it

    def without(self, stores: Collection[str], settings: Settings) -> dict[str, str]:
        """List the stores that it has, and these have not; nor are they said to be closed."""
        closed = settings.retention.closed_stores
        known = {**self.gone, **self.stores}
        return {s: known[s] for s in known if s not in stores and s not in closed}


def load_in_force(
    settings: Settings, table: StateTable, *, keep_at: datetime | None = None
) -> InForce:
    """Load the files, or the last good ones when they are wrong; keep the files that are good.

    `keep_at` is the moment from which a new version counts; without it nothing is written. While
    DynamoDB cannot be reached, the files decide alone. Raises RulesError when they are wrong and
    no good ones are kept.
    """
    try:
        kept = _read(table)
    except NaverPlaceError as error:
        log.warning("the last good rulebook cannot be read: %s", describe(error))
        kept, keep_at = _Kept(), None
    try:
        found, texts = load_files(settings)
        gone = kept.without(found.rulebook.stores, settings)
        _refuse_if_most_are_gone(gone, kept, settings)
    except RulesError as error:
        return _fall_back(settings, kept, error)
    # Where nothing is kept, a rule that nobody knows yet owes nothing that was due before.
    new_since = keep_at or datetime.max.replace(tzinfo=SEOUL)
    rules = date_rules(found.rulebook.rules, kept.rules, since=new_since)
    same = kept.version == found.version.id
    if keep_at is not None and not (same and kept.rules is not None):
        new = _Kept(
            found.version.id,
            kept.since if same else keep_at,
            _pack(texts),
            {store.id: store.alias for store in found.rulebook.stores.values()},
            gone,
            rules,
        )
        kept = _keep(table, new, instead_of=kept, texts=texts)
    if kept.version == found.version.id:
        return _with_version(found, since=kept.since, gone=gone, rules=kept.rules or rules)
    if keep_at is not None:  # nobody will know the new ones later either: nothing is overlooked
        rules = date_rules(found.rulebook.rules, kept.rules, since=None)
    return _with_version(found, since=None, gone=gone, rules=rules)


def _with_version(found: InForce, **facts: Any) -> InForce:
    return found._replace(version=replace(found.version, **facts))


def write_kept(table: StateTable, folder: Path) -> Path | None:
    """Write the last good rules into a folder, and give that of the rules; None: none are kept.

    Raises Transient, Permanent.
    """
    packed = _read(table).packed
    return write_texts(_unpack(packed), folder)[0] if packed else None


def read_known_stores(settings: Settings, table: StateTable) -> Mapping[str, Store]:
    """Read the stores' file, or the last good one while it is wrong. Raises RulesError.

    So a person can pause a store while somebody else's typo stands in the files.
    """
    try:
        return load_stores(settings.stores_file)
    except RulesError:
        return load_in_force(settings, table).rulebook.stores


def load_files(settings: Settings) -> tuple[InForce, Mapping[str, bytes]]:
    """Load the files as they are at one moment, and give their texts. Raises RulesError."""
    for _ in range(_READINGS):
        texts = read_texts(settings.rules_dir, settings.stores_file)
        rulebook = _load_these(settings, texts)
        if rulebook:
            return InForce(rulebook, RulebookVersion(version_of(texts))), texts
    raise RulesError([f"{settings.rules_dir.as_posix()}:1:1: the files change while they are read"])


def _load_these(settings: Settings, texts: Mapping[str, bytes]) -> Rulebook | None:
    """Load the files with these texts, once a process; None when they have changed meanwhile."""
    files = settings.rules_dir, settings.stores_file
    made_of = (*files, texts, settings.sens.default_sender, settings.access)
    with _LOCK:
        if not _loaded or _loaded[0][0] != made_of:
            rulebook = _load(*files, settings)
            if read_texts(*files) != texts:
                return None
            _loaded[:] = [(made_of, rulebook)]
        return _loaded[0][1]


def _load(rules_dir: Path, stores_file: Path, settings: Settings) -> Rulebook:
    return load_rulebook(
        rules_dir,
        stores_file,
        default_sender=settings.sens.default_sender,
        access=settings.access,
    )


def _refuse_if_most_are_gone(gone: Mapping[str, str], kept: _Kept, settings: Settings) -> None:
    """Raise RulesError when more than half of the stores have vanished at once."""
    vanished = {store_id: alias for store_id, alias in gone.items() if store_id in kept.stores}
    if len(vanished) < 2 or 2 * len(vanished) <= len(kept.stores):
        return
    names = ", ".join(f"{alias} ({store_id})" for store_id, alias in vanished.items())
    raise RulesError(
        [
            f"{settings.stores_file.as_posix()}:1:1: {len(vanished)} of {len(kept.stores)} stores "
            f"are gone: {names}; put them back, or name them in retention.closed_stores"
        ]
    )


def _fall_back(settings: Settings, kept: _Kept, error: RulesError) -> InForce:
    """Load the kept files; raises the files' own error when these are none, or not good now."""
    if not kept.packed:
        raise error
    try:
        with TemporaryDirectory(prefix="naverplace-rulebook-") as folder:
            rulebook = _load(*write_texts(_unpack(kept.packed), Path(folder)), settings)
    except (NaverPlaceError, OSError, ValueError, zlib.error) as broken:
        log.warning("the last good rulebook cannot be used: %s", describe(broken))
        raise error from None
    gone = kept.without(kept.stores, settings)
    refused = tuple(REDACTOR.scrub(problem) for problem in error.problems)
    log.warning("the files of the rulebook are refused, %s is in force: %s", kept.version, refused)
    return InForce(
        rulebook, RulebookVersion(kept.version, kept.since, refused, gone, kept.rules or {})
    )


def _read(table: StateTable) -> _Kept:
    return _from_item(table.get(ITEM) or {})


def _from_item(item: Mapping[str, Any]) -> _Kept:
    return _Kept(
        version=str(item.get("version") or ""),
        since=parse_time(item.get("since")),
        packed=str(item.get("texts") or "").encode(),
        stores=dict(item.get("stores") or {}),
        gone=dict(item.get("gone") or {}),
        rules={
            name: DatedRule(parse_time(rule.get("since")), tuple(rule.get("kinds") or ()))
            for name, rule in item["rules"].items()
        }
        if "rules" in item
        else None,
    )


def _keep(table: StateTable, new: _Kept, *, instead_of: _Kept, texts: Mapping[str, bytes]) -> _Kept:
    """Write a new version over the one that was read; give what stands there then.

    Never raises: a run goes on without it. Of two workers the first one writes.
    """
    if leak := _holding_secrets(texts):
        log.warning(
            "the rulebook is not kept, since a secret stands in %s: write it into "
            "NAVERPLACE_ACCESS, and its name into the text",
            ", ".join(leak),
        )
        return instead_of
    item = {
        "id": ITEM,
        "version": new.version,
        "since": format_utc(new.since) if new.since else "",
        "texts": new.packed.decode(),
        "stores": dict(new.stores),
        "gone": dict(new.gone),
        "rules": {
            name: {"since": format_utc(rule.since) if rule.since else "", "kinds": [*rule.kinds]}
            for name, rule in (new.rules or {}).items()
        },
    }
    unchanged = Attr("version").eq(instead_of.version)
    condition = unchanged if instead_of.version else Attr("version").not_exists()
    try:
        faster = table.table.put(item, condition=condition)
    except NaverPlaceError as error:
        log.warning("the rulebook is not kept: %s", describe(error))
        return instead_of
    return new if faster is None else _from_item(faster)


def _holding_secrets(texts: Mapping[str, bytes]) -> list[str]:
    """Name the files in which a secret stands as it is."""
    shown = {name: text.decode("utf-8", "replace") for name, text in texts.items()}
    return [n for n, text in shown.items() if REDACTOR.scrub(text).count(MARK) > text.count(MARK)]


def _pack(texts: Mapping[str, bytes]) -> bytes:
    form = {name: text.decode("utf-8") for name, text in texts.items()}
    return b64encode(zlib.compress(json.dumps(form, ensure_ascii=False).encode(), 9))


def _unpack(packed: bytes) -> dict[str, bytes]:
    form = json.loads(zlib.decompress(b64decode(packed)))
    return {str(name): str(text).encode() for name, text in form.items()}
