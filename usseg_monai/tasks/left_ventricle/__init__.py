"""The left ventricle in cine MRI."""
