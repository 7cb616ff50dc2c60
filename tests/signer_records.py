"""Signers and rounds of every kind for the tests of rules and of the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.seal.signer import ActCode, OneTimeCode, Signer, SignerCertificate, SignerState, SignerUse
from certsvc.seal.signing_round import FinalSeal, Place, Revision, RoundState, SigningRound, Step

NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
CODE = "990101199001011239"
NAME = "示例欧阳"
PLACE = Place(page=1, x=20.0, y=30.0, width=70.0, height=20.0)


def make_certificate(n: int = 1, **changes: Any) -> SignerCertificate:
    values: dict[str, Any] = {
        "chain": f"-----BEGIN CERTIFICATE----- {NAME}",
        "serial": f"ab{n:04x}",
        "issuer_key_id": "dev-people-ec",
        "valid_from": NOW,
        "valid_until": NOW + timedelta(days=700),
    }
    return SignerCertificate(**{**values, **changes})


def make_signer(n: int = 1, **changes: Any) -> Signer:
    values: dict[str, Any] = {
        "signer_id": f"sgn_{n:06d}",
        "subject": f"person-{n}",
        "name": NAME,
        "holder_code": f"{CODE}{n}",
        "holder_code_type": "999",
        "state": SignerState.ACTIVE,
        "agreement": "2026-01",
        "algorithm": "p256",
        "wrapped_key": b"wrapped %d" % n,
        "pin_tries": 0,
        "csr": "-----BEGIN CERTIFICATE REQUEST-----",
        "certificate": make_certificate(n),
        "handwriting": b"\x89PNG ink of somebody",
        "applied_at": NOW,
    }
    return Signer(**{**values, **changes})


def make_step(n: int = 1, order: int = 1, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "step_id": f"stp_{n:06d}",
        "order": order,
        "name": NAME,
        "holder_code": f"{CODE}{n}",
        "holder_code_type": "999",
        "reason": "示例事由",
        "place": PLACE,
        "field_name": f"signer-{n}",
    }
    return Step(**{**values, **changes})


def make_round(n: int = 1, orders: tuple[int, ...] = (1, 1, 2), *, seal: bool = False, **changes: Any) -> SigningRound:
    steps = tuple(make_step(10 * n + index, order) for index, order in enumerate(orders))
    values: dict[str, Any] = {
        "round_id": f"sig_{n:06d}",
        "created_by": "approval-platform",
        "authority_code": "11990000MB0000086D",
        "title": "示例某人的劳动合同",
        "state": RoundState.OPEN,
        "deadline": NOW + timedelta(days=3),
        "uploaded_sha256": "00" * 32,
        "page_count": 2,
        "needs_code": True,
        "steps": steps,
        "seal": FinalSeal(seal_id="seal_1", place=PLACE, field_name="seal") if seal else None,
        "revisions": (Revision(number=0, sha256=f"{n:064x}", step_id="", at=NOW),),
        "created_at": NOW,
    }
    return SigningRound(**{**values, **changes})


def make_revision(number: int, step_id: str, at: datetime = NOW) -> Revision:
    return Revision(number=number, sha256=f"{number:02x}{abs(hash(step_id)) % 10**9:062x}"[:64], step_id=step_id, at=at)


def make_code(n: int = 1, **changes: Any) -> OneTimeCode:
    values: dict[str, Any] = {
        "code_id": f"otc_{n:06d}",
        "round_id": "sig_000001",
        "step_id": "stp_000010",
        "signer_id": "sgn_000001",
        "document_sha256": "ab" * 32,
        "made_at": NOW + timedelta(seconds=n),
        "expires_at": NOW + timedelta(minutes=5),
    }
    return OneTimeCode(**{**values, **changes})


def make_act_code(n: int = 1, **changes: Any) -> ActCode:
    values: dict[str, Any] = {
        "code_id": f"otc_a{n:05d}",
        "matter": "apply:person-1",
        "made_at": NOW + timedelta(seconds=n),
        "expires_at": NOW + timedelta(minutes=5),
    }
    return ActCode(**{**values, **changes})


def make_use(n: int = 1, **changes: Any) -> SignerUse:
    values: dict[str, Any] = {
        "use_id": f"use_{n:06d}",
        "signer_id": "sgn_000001",
        "round_id": "sig_000001",
        "step_id": "stp_000010",
        "digest": "cd" * 32,
        "reserved_at": NOW,
    }
    return SignerUse(**{**values, **changes})
