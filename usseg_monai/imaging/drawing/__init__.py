"""Pictures of results: overlay, text strip, curves, and the colour table."""
