"""Where bundles lie: a folder of this machine, or S3; who reads and who removes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from naverplace.aws.config import AwsSettings, client_options
from naverplace.aws.errors import translated
from naverplace.base.errors import Permanent
from naverplace.base.files import write_whole
from naverplace.domain.extra_fields import Field
from naverplace.pipeline.capture.bundle import Bundle, Outputs, decode_bundle, encode_bundle
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.pseudonymise import pseudonymise
from naverplace.pipeline.capture.pseudonyms import Pseudonyms
from naverplace.settings.schema import Settings

REMOVED_AT_ONCE = 100  # expired bundles that one run removes
ENDING = ".bundle.json.gz"
_STAMP = "%Y%m%dT%H%M%SZ"
# The expiry stands in the name, so that removing needs no reading.
_NAME = re.compile(rf"\d{{8}}T\d{{6}}Z-[\w.-]+-until-(\d{{8}}T\d{{6}}Z){re.escape(ENDING)}")


class Bundles:
    """The bundles of one place, the oldest first."""

    def __init__(self, files: Folder | Bucket) -> None:
        self.files = files

    def add(self, bundle: Bundle) -> str:
        """Write a bundle and return its name; the same run's is written over."""
        name = name_of(bundle)
        self.files.put(name, encode_bundle(bundle))
        return name

    def names(self) -> list[str]:
        """List the names of the bundles; other files are none of ours."""
        return sorted(name for name in self.files.names() if _NAME.fullmatch(name))

    def read(self, name: str) -> Bundle:
        """Read one bundle. Raises Permanent for what is none."""
        expiry_of(name)
        try:
            return decode_bundle(self.files.get(name))
        except Permanent as error:
            raise Permanent(f"{name}: {error}") from None

    def read_all(self, *, now: datetime) -> Iterator[Bundle]:
        """Read all bundles that have not expired, one at a time."""
        for name in self.names():
            if expiry_of(name) > now:
                yield self.read(name)

    def remove_expired(self, *, now: datetime, at_most: int | None = None) -> int:
        """Remove what has expired, the oldest first; return how many."""
        expired = [name for name in self.names() if expiry_of(name) <= now][:at_most]
        for name in expired:
            self.files.remove(name)
        return len(expired)


def name_of(bundle: Bundle) -> str:
    """Name a bundle's file by moment, run and expiry."""
    run = re.sub(r"[^A-Za-z0-9_.-]", "_", bundle.inputs.run_id)[:100] or "run"
    at, until = (f"{t.astimezone(UTC):{_STAMP}}" for t in (bundle.inputs.now, bundle.expires))
    return f"{at}-{run}-until-{until}{ENDING}"


def expiry_of(name: str) -> datetime:
    """Read a bundle's expiry from its name."""
    found = _NAME.fullmatch(name)
    if not found:
        raise Permanent(f"{name!r} is no bundle's name; see them by: naverplace bundles list")
    return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)


def open_bundles(settings: Settings) -> Bundles:
    """Open the place that the settings name."""
    where = settings.capture.where
    if not where.startswith("s3://"):
        return Bundles(Folder(Path(where)))
    bucket, _, prefix = where.removeprefix("s3://").partition("/")
    return Bundles(Bucket(settings.aws, bucket, prefix.strip("/")))


def write_bundle(
    settings: Settings, inputs: Inputs, outputs: Outputs, fields: Sequence[Field]
) -> str:
    """Write inputs under pseudonyms, and return the bundle's name; '' without a key.

    Removes what has expired. Raises Transient, Permanent.
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


class Folder:
    """A folder that only its owner may read; it is made with the first file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Write a file as a whole."""
        write_whole(self.folder / name, content)

    def get(self, name: str) -> bytes:
        """Read a file."""
        with self._translated():
            return (self.folder / name).read_bytes()

    def names(self) -> list[str]:
        """List all files; none when there is no folder yet."""
        with self._translated():
            return [p.name for p in self.folder.iterdir()] if self.folder.exists() else []

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error."""
        with self._translated():
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.strerror or type(error).__name__
            raise Permanent(f"bundles in {self.folder}: {what}; see capture.where") from None


class Bucket:
    """A folder of an S3 bucket, encrypted at rest."""

    def __init__(self, aws: AwsSettings, bucket: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        # Another endpoint than AWS knows no host named after the bucket.
        style = "path" if aws.endpoint_url else "auto"
        self._s3: Any = boto3.client(
            "s3", **client_options(aws, attempts=3, s3={"addressing_style": style})
        )

    def put(self, name: str, content: bytes) -> None:
        """Write a file as a whole."""
        with self._translated():
            self._s3.put_object(
                Bucket=self.bucket,
                Key=self.prefix + name,
                Body=content,
                ServerSideEncryption="AES256",
            )

    def get(self, name: str) -> bytes:
        """Read a file."""
        with self._translated():
            answer = self._s3.get_object(Bucket=self.bucket, Key=self.prefix + name)
            content: bytes = answer["Body"].read()
        return content

    def names(self) -> list[str]:
        """List all files of the folder, not those of folders in it."""
        listed = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
        )
        with self._translated():
            keys = [entry["Key"] for page in listed for entry in page.get("Contents", ())]
        return [key.removeprefix(self.prefix) for key in keys]

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error."""
        with self._translated():
            self._s3.delete_object(Bucket=self.bucket, Key=self.prefix + name)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(
            f"bundles in s3://{self.bucket}/{self.prefix}",
            "check the rights of this role (docs/capture.md)",
            {"NoSuchBucket": "create the bucket", "NoSuchKey": "it is gone"},
        )
