"""Matters from their one source, and what each may ask for."""
