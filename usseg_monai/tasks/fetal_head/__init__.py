"""The fetal head in ultrasound."""
