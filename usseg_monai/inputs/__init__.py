"""Turns the user's arguments into a list of image files: search, lists, file types. Floor 3."""
