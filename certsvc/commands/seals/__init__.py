"""Seals: state and use."""
