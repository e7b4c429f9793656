"""Sends objects to archives and copies series from them, by DICOMweb or by DIMSE. Needs the extra ``dicom``."""
