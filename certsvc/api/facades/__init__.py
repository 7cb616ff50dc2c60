"""Older interfaces (共享门面), off unless switched on: one file per facade over the same commands."""
