"""Millions of odd inputs for everything that reads what others made: ``make fuzz``.

    python -m benchmarks.fuzz [--target NAME] [--inputs N] [--seed S] [--resume] [--update-docs]
    python -m benchmarks.fuzz --target NAME --seed S --replay NUMBER

The contract: a result that keeps its promises or a `UssegError` of one line, within 2 s and 300 MB; nothing else escapes, nothing crashes.

Own mutations, and neither atheris nor hypothesis: an input follows from ``(target, seed, number)`` alone, so that any of a million can be
had again in a millisecond, on every system and Python that the package runs on, with nothing to install. What a coverage-guided search
would have to find out is told instead: seeds in every format and variant, the keywords and odd numbers of each, checksums that are made
right again and streams that are packed again after the change, so that it is our code that sees it and not a checksum.
The price: a branch that needs several rare changes at once is found by luck only. So one input in twenty of a picture's format is no
mutation but composed by the grammar of the format, with parts in any number: what is dear or deadly is mostly well-formed.

`mutate`
    changes to bytes, text and JSON.
`structures`
    files composed by the grammar of their format.
`readers`, `tables`, `measuring`, `graphs`
    the targets, each a `target.Target`: how its inputs are made and what must hold.
`worker`
    a process that runs a range of inputs and measures each: one that crashes, hangs or takes memory ends alone, and is a finding.
"""
