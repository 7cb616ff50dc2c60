"""Processes and commands of the command line."""
