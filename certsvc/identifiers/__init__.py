"""Identifiers and their check digits: pure values that cannot hold a wrong value.

Every ``parse`` raises :class:`certsvc.errors.InvalidIdentifier` and nothing else, and never repeats the value it
refused, because the value may be personal. Nothing here reads a clock, a file or a dictionary of regions.
"""
