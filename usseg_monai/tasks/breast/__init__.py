"""Breast lesions in ultrasound."""
