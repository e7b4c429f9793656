"""Object stores through fsspec: addresses, staging of inputs, and upload of results. Floor 2.

Nothing here knows what a run writes. `fsspec` is imported when the first address is used.
"""
