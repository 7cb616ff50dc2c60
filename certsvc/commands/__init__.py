"""One file per thing asked, grouped; ``ports.py`` and ``store_ports.py`` say what a command may use."""
