"""Engines that run a network: ONNX Runtime, or the bundle itself through MONAI."""
