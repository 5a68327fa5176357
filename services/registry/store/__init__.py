"""Every SQL statement of the registry, each beside its typed function."""
