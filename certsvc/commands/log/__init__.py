"""The evidence log: appending, reading, proofs, audits and bundles."""
