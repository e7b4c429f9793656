"""Fuzz everything that reads user-supplied files, with millions of inputs: ``make fuzz``.

    python -m benchmarks.fuzz [--target NAME] [--inputs N] [--seed S] [--resume] [--update-docs]
    python -m benchmarks.fuzz --target NAME --seed S --replay NUMBER

The contract: a valid result or a one-line `UssegError`, within 2 s and 300 MB; no other exception escapes, nothing crashes.

The mutations are our own, without atheris or hypothesis: an input depends on ``(target, seed, number)`` alone, so any of a million can be
reproduced in a millisecond, on every system and Python that the package supports, with nothing to install. What a coverage-guided search
would have to discover is given: seeds in every format and variant, with the keywords and odd numbers of each. Checksums are corrected and
streams repacked after a change, so that the change reaches our code and is not stopped by a checksum.
The price: a branch that needs several rare changes at once is found only by luck. So one in twenty inputs of a picture format is not a
mutation but composed by the format's grammar, with any number of parts: expensive or fatal inputs are mostly well-formed.

`mutate`
    changes to bytes, text and JSON.
`structures`
    files composed by the grammar of their format.
`readers`, `tables`, `measuring`, `graphs`
    the targets, each a `target.Target`: how its inputs are made and what must hold for them.
`worker`
    a process that runs a range of inputs and measures each: a crash, hang or excess of memory ends only this process, and is a finding.
"""
