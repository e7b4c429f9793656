"""A MONAI Label server for all tasks: pre-segmentation, labels, training and active learning over a folder of images.

What knows MONAI Label or its web framework stands in ``server/`` and is imported only in the server's own environment
(``make label``); the other modules need the package alone.
"""
