"""One module per file format; `usseg_monai.imaging.decode` selects the module."""
