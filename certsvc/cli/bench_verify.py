"""``verify.own_exact``: the verdict over a file that is on the register."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.cli.bench import Side
from certsvc.cli.samples import sample_body
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.payload import build_payload
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.authorities import own_crls
from certsvc.commands.verifying.verify_file import judge_known, look_up
from certsvc.delivery.loops import drain

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.verdict import Verdict

SAMPLE_TYPE = "teacher_qualification"
"""One page with a photo, ten values, code and stamp."""


def exact_side(deps: Deps, client: Principal) -> Side:
    """The verdict over a registered file of some 100 kB: every step of the verifier but the look-up on the register.

    That is digest, strict comparison, chain, times and our own revocation lists, then the verdict.
    """
    body = parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, "EXACT"))
    accept_issuance(deps, client, body, Origin())
    drain(deps, worker="bench")
    with deps.uow.read() as tx:
        version = next(iter(tx.licenses.of_holder(build_payload(deps, body).holder, limit=1)))
    data = deps.objects.get(version.artifact.object_name)
    digest, now = hashlib.sha256(data).hexdigest(), deps.clock.now()
    known, asked = look_up(deps, digest, None, now), TrustChoice(crls=own_crls(deps))

    def exact() -> Verdict:
        if hashlib.sha256(data).hexdigest() != digest:
            msg = "the file changed"
            raise RuntimeError(msg)
        return judge_known(deps, data, asked, known, now)

    return Side(name="registered file", once=exact)
