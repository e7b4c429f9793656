"""Networks of the released bundles. Floor 5."""
