"""What deploy/ has: units, the image, compose, and the configurations beside them."""
