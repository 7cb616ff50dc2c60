"""Showing (亮证) and scanning."""
