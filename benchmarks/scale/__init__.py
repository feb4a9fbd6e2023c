"""What several workers gain, measured on two and expected of more."""
