"""Inputs put under pseudonyms, and kept: the one way by which real people leave for a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from naverplace.domain.extra_fields import Field
from naverplace.pipeline.capture.bundle import Bundle, Outputs
from naverplace.pipeline.capture.bundle_store import open_bundles
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.pseudonymise import pseudonymise
from naverplace.pipeline.capture.pseudonyms import Pseudonyms
from naverplace.settings.schema import Settings

REMOVED_AT_ONCE = 100  # expired bundles that one run removes


def keep(settings: Settings, inputs: Inputs, outputs: Outputs, fields: Sequence[Field]) -> str:
    """Write a bundle, remove what has expired, and return the bundle's name; '' without a key.

    Raises Transient, Permanent.
    """
    capture = settings.capture
    if capture.key is None:
        return ""
    names = Pseudonyms(capture.key.get_secret_value())
    bundle = Bundle(
        inputs=pseudonymise(inputs, names, fields),
        outputs=outputs,
        expires=inputs.now + timedelta(days=capture.keep_days),
        key_id=names.key_id,
    )
    bundles = open_bundles(settings)
    name = bundles.add(bundle)
    bundles.remove_expired(now=inputs.now, at_most=REMOVED_AT_ONCE)
    return name
