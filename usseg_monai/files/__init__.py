"""Files of any content: atomic writes, bounded reading of text, tables. Floor 1."""
