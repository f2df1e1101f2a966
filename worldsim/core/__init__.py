"""Types, protocols, registry, errors, records and seeding shared by every package; numpy and the standard library only."""
