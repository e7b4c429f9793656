"""Image reader, savers and results handler, as bundles name them; the places are those of `monai.data`. Floor 5."""
