"""What people see of an exchange: summaries, content views, parts of the story, recordings."""
