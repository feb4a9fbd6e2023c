"""Every key of the app, once, and the keys of the user in it."""
