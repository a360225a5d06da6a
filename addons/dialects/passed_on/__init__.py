"""The endpoints of OpenAI's form that are passed on to an official API: embeddings, audio, files, batches …"""
