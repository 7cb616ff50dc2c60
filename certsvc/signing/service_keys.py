"""Keys of the service itself, such as that of access tokens: made by hand once, with a certificate of their own.

Nobody outside relies on their certificate: it only gives the key ring the public half to prove the key against.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from certsvc.errors import ConfigurationError
from certsvc.signing.certificates import Draft, generate_key, issue, pem, pkcs8
from certsvc.signing.keyfile import KeyClass, check_key_id, encrypt_key, write_new

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from certsvc.ids import Ids
    from certsvc.signing.master_key import MasterKey

LIFETIME = timedelta(days=3652)
ALGORITHMS = ("p256", "rsa2048", "rsa3072", "sm2")


def create_service_key(
    directory: Path,
    key_id: str,
    algorithm: str,
    name: str,
    *,
    master: MasterKey,
    now: datetime,
    ids: Ids,
    sandbox: bool,
) -> Path:
    """Make a key and its self-signed certificate in a ring's directory; where the encrypted key is.

    Raises:
        ConfigurationError: an unknown algorithm, a key of this id that is there already, or no right to write.
    """
    if algorithm not in ALGORITHMS:
        msg = f"密钥算法应为 {'、'.join(ALGORITHMS)} 之一"
        raise ConfigurationError(msg)
    path = directory / "private" / f"{check_key_id(key_id)}.key"
    for place, mode in ((path.parent, 0o700), (directory / "certs", 0o755)):
        place.mkdir(parents=True, exist_ok=True, mode=mode)
    key = generate_key(algorithm)
    subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = issue(
        Draft(
            subject=subject,
            issuer=subject,
            public_key=key.public_key(),
            serial=ids.cert_serial(),
            begins=now,
            ends=now + LIFETIME,
            extensions=((x509.BasicConstraints(ca=False, path_length=None), True),),
        ),
        key,
    )
    key_class = KeyClass.DEVELOPMENT if sandbox else KeyClass.PRODUCTION
    # The certificate first: a key without one stops the ring, a certificate without a key is only a retired one.
    if path.exists() or not write_new(directory / "certs" / f"{key_id}.pem", pem(certificate), ids, mode=0o644):
        msg = f"密钥 {key_id} 已存在：不会覆盖，请另选编号"
        raise ConfigurationError(msg)
    write_new(path, encrypt_key(pkcs8(key), key_id, key_class, master, ids), ids)
    return path
