"""The only room with keys, X.509, ASN.1, CMS, JWS and pyHanko.

What others use, by file:

* ``master_key``: :func:`~certsvc.signing.master_key.load_master_key` and ``create_master_key``; subkeys by HKDF.
* ``cipher``: :class:`~certsvc.signing.cipher.ColumnCipher`, the ``Cipher`` port.
* ``declaration``: reads ``keys/dev.toml``; :func:`~certsvc.signing.declaration.load_seal_declarations`.
* ``devpki``: :func:`~certsvc.signing.devpki.init_dev_keys` makes the declared PKI; running it again changes nothing.
* ``keyring``: :class:`~certsvc.signing.keyring.SoftwareKeyRing`, the ``KeyRing`` port. Keys are parsed once. The same
  port has ``token_ring`` (PKCS#11) and ``remote_sealer`` (a province's platform).
* ``sm2``, ``primitives``, ``suites``: SM2 with SM3, and one function to sign and to verify with every algorithm.
* ``certificate_requests``, ``authority``: requests to an external CA and its answers; CRLs and OCSP answers of our CAs.
* ``seal_object``, ``ses_format``: seal objects (.esl) and SES signatures of GB/T 38540; ``incremental``: a second seal.
* ``timestamps``, ``long_term``: RFC 3161 and the PAdES levels that stand on it.
* ``strict``: :class:`~certsvc.signing.strict.StrictInspector`, the fast ``FileInspector`` for our own fresh pages.
* ``sealer``: :class:`~certsvc.signing.sealer.LicenseSealer`, the ``Sealer`` port, over the registry in ``formats``.
* ``trust``: :class:`~certsvc.signing.trust.TrustAnchors`, the configured anchors (a directory of PEM files).
* ``inspector``: :class:`~certsvc.signing.inspector.PdfInspector`, the ``FileInspector`` port, in this process, for
  files that we have just made ourselves.
* ``isolated``: :class:`~certsvc.signing.isolated.IsolatedInspector`, the same port in worker processes with limits on
  time and memory, for files that come from outside. Call ``close()`` at the end.
* ``tokens``: :class:`~certsvc.signing.tokens.JwtTokenService`, the ``TokenService`` port.

A typical composition::

    master = load_master_key(settings.master_key_file)
    ring = SoftwareKeyRing(settings.key_dir, master, profile=settings.profile)
    sealer = LicenseSealer(ring)
    anchors = TrustAnchors.from_directory(settings.trust_dir)
    inspector = IsolatedInspector(anchors)
    cipher = ColumnCipher(master, ids)
    tokens = JwtTokenService(
        ring, key_id="token-1", issuer=settings.public_base, audience=settings.public_base, ids=ids
    )

Nothing in this room opens a network connection.
"""
