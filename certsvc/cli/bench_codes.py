"""``code.offline``: making cores and checking codes, without database and HTTP."""

from __future__ import annotations

import itertools
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.cli.bench import Figure, Side
from certsvc.license.offline import OfflineCode, OfflineCore
from certsvc.license.status_list import StatusEntry
from certsvc.signing.base45 import encode
from certsvc.signing.device_keys import read_device_jwk
from certsvc.signing.offline_codes import CodeKeys, device_message, open_code, open_core, presented
from certsvc.signing.statements import p256_jwk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certsvc.commands.ports import Deps

READY_CODES = 512
"""Codes of different tokens and devices' times, made ready so that only the check is measured."""

MINT_GOAL, CHECK_GOAL, BOUND_GOAL = 8_000, 5_000, 2_500
_HALF = 32


def code_figures(deps: Deps) -> tuple[Figure, ...]:
    """Minting a core (8 claims) as text, checking its one signature, and checking a whole code with its two."""
    keys = CodeKeys(cast("list[Mapping[str, Any]]", deps.offline.code_keys()["keys"]))
    device = ec.generate_private_key(ec.SECP256R1())
    point, _ = read_device_jwk(p256_jwk(device.public_key()))
    now = int(deps.clock.now().timestamp())

    def core() -> OfflineCore:
        return OfflineCore(
            token=deps.ids.salt(),
            type_slug="food_operation",
            holder_masked="示例市甲乙丙丁餐饮管理有限公司",
            last_day=date(2030, 12, 31),
            status=StatusEntry(list_no=1, index=482113),
            device_key=point,
            issued_at=now,
            expires_at=now + 24 * 3600,
        )

    def shown(made: bytes) -> str:
        r, s = decode_dss_signature(device.sign(device_message(made, now), ec.ECDSA(hashes.SHA256())))
        return presented(made, now, r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))

    cores = [deps.offline.mint(core()) for _ in range(READY_CODES)]
    return (
        _figure("mint_per_core_s", MINT_GOAL, lambda: encode(deps.offline.mint(core()))),
        _figure("check_per_core_s", CHECK_GOAL, _checked(cores, lambda made: open_core(made, keys), tuple)),
        _figure(
            "check_bound_per_core_s",
            BOUND_GOAL,
            _checked([shown(made) for made in cores], lambda text: open_code(text, keys), OfflineCode),
        ),
    )


def _figure(name: str, goal: float, once: Callable[[], object]) -> Figure:
    return Figure(name=f"code.offline.{name}", unit="1/s", goal=goal, sides=(Side(name=name, once=once),))


def _checked(ready: list[Any], check: Callable[[Any], object], good: type) -> Callable[[], object]:
    """Checks one after another; one that does not pass ends the measurement."""
    round_and_round = itertools.cycle(ready)

    def once() -> object:
        found = check(next(round_and_round))
        if not isinstance(found, good):
            msg = "a good code was refused"
            raise TypeError(msg)
        return found

    return once
