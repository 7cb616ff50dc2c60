"""The register's time: whether the machine's clock may be believed."""
