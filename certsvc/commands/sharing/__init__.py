"""Fetching on a lawful basis (用证)."""
