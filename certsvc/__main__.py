"""``python -m certsvc`` and the ``certsvc`` command."""

from __future__ import annotations

from certsvc.cli.commands import main

if __name__ == "__main__":
    main()
