"""Signing rounds: asked for, confirmed by people, declined, sealed, over."""
