"""What lies over the app until it is answered."""
