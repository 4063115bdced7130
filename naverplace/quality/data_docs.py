"""Great Expectations' Data Docs of a run: a site of plain files that people open in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

from naverplace.quality.validation import ValidationResult

SITE = "bookings"
SITE_PARTS = ("expectations", "validations", "static")  # the folders that a site consists of


def write_docs(validated: ValidationResult, docs_dir: Path) -> Path:
    """Write Great Expectations' Data Docs of a validation; those of older runs are replaced.

    Returns the page that people open. Other files in the folder stay as they are.
    """
    folder = docs_dir.resolve()
    for part in SITE_PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
    context = validated.context
    if SITE in context.get_site_names():
        context.delete_data_docs_site(SITE)
    context.add_data_docs_site(
        SITE,
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder),
            },
        },
    )
    context.build_data_docs()
    _link_results(folder)
    return folder / "index.html"


def _link_results(folder: Path) -> None:
    """Link the results plainly: the page's own list needs scripts from the network."""
    index = folder / "index.html"
    pages = sorted(page.relative_to(folder) for page in folder.glob("validations/**/*.html"))
    links = "".join(f'<p><a href="{quote(page.as_posix())}">Results</a></p>' for page in pages)
    head, body, rest = index.read_text("utf-8").partition("<body>")
    index.write_text(f"{head}{body}{links}{rest}", "utf-8")
