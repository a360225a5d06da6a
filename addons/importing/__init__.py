"""Importing sessions from what people have: browsers' exports, copied requests, cookie files, flow files, tokens."""
