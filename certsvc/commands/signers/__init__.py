"""Signers: people who apply for an e-signature, and what they may do with it."""
