"""Stamping by hand: uploads, previews, sealing exactly what was shown, batches."""
