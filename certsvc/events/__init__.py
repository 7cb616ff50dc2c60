"""The event contract: envelope, payload classes, evidence leaves (pure)."""
