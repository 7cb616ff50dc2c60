"""HTTP: one file per noun; problems.py is the only error-to-status map."""
