"""Official APIs of the form of Anthropic's Messages."""
