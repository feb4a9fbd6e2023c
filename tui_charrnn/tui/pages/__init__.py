"""Pages that lie over the main screen: a picture that is computed live, and its keys."""
