"""RSA keys that their number gives away: those of a chip library whose private half can be computed (ROCA).

CVE-2017-15361: both primes are 65537 to some power modulo the product of the first primes, so the modulus is too. For
any other modulus that is so for all of :data:`_PRIMES` with a probability of far less than 2⁻⁵⁰.
"""

from __future__ import annotations

_GENERATOR = 65537
_PRIMES = tuple(p for p in range(3, 168, 2) if all(p % q for q in range(3, p, 2)))
"""The odd primes that the library used at every length of key."""
_POWERS = {p: frozenset(pow(_GENERATOR, k, p) for k in range(p)) for p in _PRIMES}


def is_roca(modulus: int) -> bool:
    """Whether a modulus has the fingerprint of these keys."""
    return all(modulus % p in powers for p, powers in _POWERS.items())
