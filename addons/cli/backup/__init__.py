"""`glassgate backup` and `restore`: what a gateway cannot make anew, as one private file."""
