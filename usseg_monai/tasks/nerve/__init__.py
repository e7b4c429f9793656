"""The brachial plexus in ultrasound."""
