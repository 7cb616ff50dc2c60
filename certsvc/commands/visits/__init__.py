"""Visits (检查): the officer shows first, then scans, and says what came of it."""
