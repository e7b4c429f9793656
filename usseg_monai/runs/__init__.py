"""Runs over many images: accounts, tables, outputs, shards, merging. Floor 4."""
