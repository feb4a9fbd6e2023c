"""Generated texts, kept with all that it takes to generate them again."""
