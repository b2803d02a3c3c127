"""The sub-commands of `twirl`, a module a concern; each lists its own in COMMANDS."""
