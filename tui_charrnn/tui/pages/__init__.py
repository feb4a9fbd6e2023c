"""Full-screen pages, each with a picture that is computed live and its own keys."""
