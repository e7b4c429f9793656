"""Accuracy of the shipped networks on test groups, which no training or validation part holds, beside the teaching references.

A module a task has

- ``measure(data, shipped, reference)``: the figures, ready for JSON; ``test`` among them, and with a reference network ``reference`` and
  ``advantage``;
- ``overview(report)``: the task's rows of the table that all tasks share, as `benchmarks.accuracy.tables.OVERVIEW` has them;
- ``markdown(report)``: the task's own tables;
- ``missed_bars(report)``: one line for each bar that the figures miss;
- ``eval_metrics(report)``: the figures that stand in the bundle's metadata.
"""
