"""Build the container image, and check it without a container engine: ``make image``, ``make image-check``.

    python -m benchmarks.image wheels [--label-server] [--tasks TASK,TASK]
    python -m benchmarks.image build [--target page|command|label] [--tasks TASK,TASK] [--base IMAGE] [--name NAME]
    python -m benchmarks.image check [--target page|label] [--base-archive TAR]

`wheels`
    what the image is built from, so that the build needs no network.
`engine`
    the command line of buildah, docker or podman.
`machine`
    names that only the building machine knows.
`layers`
    finds in an image's layers what must not travel.
`check`
    builds in a network namespace on a base made by mmdebstrap, inspects the layers, and runs the image.
`inside`
    the part of the check that runs in namespaces of its own, on a read-only root.
"""
