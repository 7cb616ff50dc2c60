"""The two bases on which a policy (用证策略) lets a matter ask, in files, in the API and in the ledger."""

from __future__ import annotations

from typing import Final

CONSENT: Final = "consent"
"""持证人授权: the holder's own, or that of a guardian or 法定代表人."""
DUTY: Final = "duty"
"""依职能."""
BASES = (CONSENT, DUTY)
