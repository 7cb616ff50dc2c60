"""Reporting upward (汇聚)."""
