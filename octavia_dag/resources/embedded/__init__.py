"""The embedded engines: CPU, no torch, models from package registries; one file per role."""
