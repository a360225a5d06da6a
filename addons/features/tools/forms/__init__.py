"""The forms in which models write calls: our own, and what they fall into. One form a file."""
