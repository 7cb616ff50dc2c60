"""What comparing and reporting need, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Index

from certsvc.store.tables import licenses
from certsvc.store.tables_imports import metadata

__all__ = ["metadata"]  # with the tables of all files in it

# What an authority issued in a period, page by page, for a party that compares its list with ours.
Index("ix_licenses_issuer", licenses.c.issuer_code, licenses.c.issued_on, licenses.c.version_id)
