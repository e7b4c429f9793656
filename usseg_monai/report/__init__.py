"""Results for human readers: captions, words, units, and the HTML pages. Floor 4."""
