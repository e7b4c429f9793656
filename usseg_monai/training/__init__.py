"""Engines, handlers and losses of training. Floor 5."""
