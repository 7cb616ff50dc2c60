"""Subscriptions to events: made, changed, tested, replayed, disabled."""
