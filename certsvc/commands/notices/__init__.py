"""Telling holders, and the record of how they were told (送达)."""
