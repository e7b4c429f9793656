"""Accuracy of the shipped networks and the teaching references on test groups, which are in no training or validation part.

Each task has a module with

- ``measure(data, shipped, reference)``: the figures, ready for JSON; ``test`` among them, and with a reference network ``reference`` and
  ``advantage``;
- ``overview(report)``: the task's rows of the shared table, with the columns of `benchmarks.accuracy.tables.OVERVIEW`;
- ``markdown(report)``: the task's own tables;
- ``missed_bars(report)``: one line per bar that the figures miss;
- ``eval_metrics(report)``: the figures for the bundle's metadata.
"""
