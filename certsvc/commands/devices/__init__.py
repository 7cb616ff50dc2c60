"""Devices: enrolled by their owners, blocked when lost."""
