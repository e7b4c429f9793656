"""A DICOM node: receives images, predicts, and sends segmentations and reports on. Needs the extra ``dicom``."""
