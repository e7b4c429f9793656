"""The page for looking, correcting and taking away: a local server without memory, and static files. Extra ``[web]``.

The browser keeps all state. The server answers calls that depend on nothing but their content, so nothing is kept and users cannot meet.
"""
