"""Official APIs of the OpenAI form."""
