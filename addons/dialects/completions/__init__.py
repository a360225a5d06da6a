"""The legacy POST /v1/completions: a raw prompt in, the text that goes on from it out."""
