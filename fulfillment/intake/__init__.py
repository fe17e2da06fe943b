"""How what arrives becomes work: originals are sealed into quarantine, archives are opened, label tables are read."""
