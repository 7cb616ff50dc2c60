"""Verdicts over files, codes and numbers."""
