"""What a seal and a signer are, the prepared page between rendering and signing, and the words of a verdict (pure)."""
