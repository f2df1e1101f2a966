"""Types, protocols, registry, errors, records and seeding for every package; numpy and the standard library only."""
