"""Issuing and ending licenses."""
