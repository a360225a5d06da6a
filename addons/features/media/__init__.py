"""Pictures and other files that clients send: read, checked, uploaded to the site, named in the request."""
