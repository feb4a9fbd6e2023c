"""The history of generated texts, with everything that is needed to generate them again."""
