"""What signatures stand on, for tests of the store, and every operation of the noun once."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any

from store_records import T0, make_version

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.model import Artifact
from certsvc.seal.care import SignatureFacts, SignatureKind, profile_of


def make_facts(**changes: Any) -> SignatureFacts:
    """A seal of an RSA key."""
    facts = SignatureFacts(
        kind=SignatureKind.SEAL,
        format="pades-b-b",
        key="rsa2048",
        signature_algorithm="rsa_sha256",
        digest_algorithm="sha256",
        certificate_sha256="c1" * 32,
        serial="1f",
        issuer_key="a1" * 20,
        issuer="示例 CA",
        seal_id="seal_1",
        signed_at=T0,
        certificate_until=T0 + timedelta(days=900),
    )
    return dataclasses.replace(facts, **changes)


def make_stamp(**changes: Any) -> SignatureFacts:
    """An archive timestamp."""
    given = {
        "kind": SignatureKind.ARCHIVE_TIMESTAMP,
        "format": "rfc3161",
        "seal_id": "",
        "tsa": "示例时间戳机构",
        "imprint": "sha384",
    }
    return make_facts(**{**given, **changes})


def make_form(n: int = 1, of: int = 1, **changes: Any) -> Artifact:
    """The ``n``-th later form of the file of version ``of``."""
    digest = hashlib.sha256(f"form {n} of {of}".encode()).hexdigest()
    form = Artifact(
        artifact_id=f"art_{of:06d}_{n}",
        version_id=f"ver_{of:06d}",
        kind="renewed",
        sha256=digest,
        size=40_000 + n,
        object_name=f"licenses/{digest[:2]}/{digest}.pdf",
        created_at=T0 + timedelta(days=n),
    )
    return dataclasses.replace(form, **changes)


def run_care(tx: UnitOfWork, version_id: str) -> None:
    """Every operation once, over a version that is there and of whose file nothing is known."""
    version = tx.licenses.by_version_id(version_id)
    assert version is not None
    artifact, facts = version.artifact, [make_facts(), make_stamp()]
    tx.care.unread("", limit=1)
    tx.care.to_read()
    tx.care.add([(artifact, facts)])
    assert tx.care.of([artifact.artifact_id]) == {artifact.artifact_id: tuple(facts)}
    tx.care.groups(T0.date())
    assert tx.care.form(artifact.sha256) == artifact
    assert tx.care.forms_of([version_id]) == {version_id: [artifact]}
    assert tx.care.newest_forms(profile_of(facts), after="", limit=9) == [artifact]
    form = make_form(version_id=version_id)
    assert tx.care.add_form(form, facts, before=artifact.artifact_id)
    tx.audited.forms_after("", limit=1)


__all__ = ["make_facts", "make_form", "make_stamp", "make_version", "run_care"]
