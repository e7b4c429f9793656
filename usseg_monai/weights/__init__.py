"""Weight files, shared by inference and training: released weights, checkpoints, trust, export. Floor 5."""
