"""A bundle: what one run decided from and what came of it, without anybody in it.

One file a run, gzip of one JSON object. Inputs stand in it under pseudonyms; of the outputs only
which message of which booking it was and how it ended: no text, no phone, no door code.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from naverplace.base.errors import Permanent
from naverplace.pipeline.capture.inputs import Inputs, aware, dumps, from_json, to_json

VERSION = 1
DAMAGED = (OSError, EOFError, zlib.error, UnicodeDecodeError)


@dataclass(frozen=True)
class CapturedMessage:
    """One message that the run owed; holds no text and no phone."""

    booking_num: str
    kind: str
    due: AwareDatetime
    store_id: str
    rule: str
    outcome: str  # of results.Outcome; '' when the run did not deliver: a dry run
    flag: str = ""  # the legacy's flag that flips with the acceptance
    type: str = ""
    content_type: str = ""


@dataclass(frozen=True)
class Outputs:
    """What a run decided and did."""

    sends: tuple[CapturedMessage, ...] = ()
    results: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # action: outcome: count
    figures: Mapping[str, Any] = field(default_factory=dict)  # sums of the report
    left_out: Mapping[str, str] = field(default_factory=dict)  # stores and why they are not in it


_OUTPUTS = TypeAdapter(Outputs)


@dataclass(frozen=True)
class Bundle:
    """One captured run."""

    inputs: Inputs
    outputs: Outputs
    expires: datetime  # aware; to be removed from then on
    key_id: str = ""  # alike for bundles whose pseudonyms can be compared


def encode_bundle(bundle: Bundle) -> bytes:
    """Encode a bundle; equal bundles give equal bytes."""
    form = {
        "bundle": VERSION,
        "expires": bundle.expires,
        "key_id": bundle.key_id,
        "inputs": to_json(bundle.inputs),
        "outputs": asdict(bundle.outputs),
    }
    return gzip.compress(dumps(form).encode(), mtime=0)


def decode_bundle(source: bytes) -> Bundle:
    """Decode a bundle. Raises Permanent, without quoting any of it."""
    try:
        form: Any = json.loads(gzip.decompress(source))
        if form["bundle"] != VERSION:
            raise Permanent(f"a bundle of version {form['bundle']!r}; this reads {VERSION}")
        return Bundle(
            inputs=from_json(form["inputs"]),
            outputs=_OUTPUTS.validate_python(form["outputs"]),
            expires=aware(form["expires"]),
            key_id=str(form["key_id"]),
        )
    except DAMAGED as error:
        raise Permanent(f"this is no bundle, or damaged ({type(error).__name__})") from None
    except (KeyError, TypeError, ValueError) as error:
        raise Permanent(f"this is no bundle ({type(error).__name__})") from None


def golden_from(bundles: Iterable[Bundle]) -> Iterator[Inputs]:
    """Give the inputs of bundles for a golden set: each run once, in the order given."""
    seen = set()
    for bundle in bundles:
        if bundle.inputs.run_id not in seen:
            seen.add(bundle.inputs.run_id)
            yield bundle.inputs


def sums(bundle: Bundle) -> dict[str, Any]:
    """Sum a bundle up as one row for people."""
    inputs, sends = bundle.inputs, bundle.outputs.sends
    return {
        "run": inputs.run_id,
        "at": inputs.now.isoformat(timespec="seconds"),
        "expires": bundle.expires.isoformat(timespec="seconds"),
        "stores": len(inputs.store_ids),
        "confirmed": len(inputs.confirmed),
        "completed": len(inputs.completed),
        "items": len(inputs.items),
        "messages": len(sends),
        "by kind": dict(Counter(sent.kind for sent in sends)),
        "by outcome": dict(Counter(sent.outcome or "not delivered" for sent in sends)),
        "left out": dict(bundle.outputs.left_out),
        "rules": inputs.rules_version,
        "settings": inputs.settings_version,
        "key": bundle.key_id,
    }
