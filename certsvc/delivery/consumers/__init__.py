"""One file per consumer; effect and inbox row are one transaction."""
