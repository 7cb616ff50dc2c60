"""Leads command lines of tests to the service of a test."""

from __future__ import annotations

from fixtures_city import ServedCity


def environment(city: ServedCity) -> dict[str, str]:
    """What leads a command line to the city."""
    settings = city.service.settings
    return {
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(settings.var_dir),
        "CERTSVC_DATABASE_URL": settings.database_url,
        "CERTSVC_KEYS_FILE": str(settings.keys_file),
        "CERTSVC_TRUST_DIR": str(settings.trust_dir),
        "CERTSVC_FONT_DIRS": ":".join(map(str, settings.font_dirs)),
        "COLUMNS": "300",
    }
