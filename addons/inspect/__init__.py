"""The inspector's content: annotations and summaries of flows, content views, flows of attempts and steps."""
