"""What models have said, kept with all that it takes to have them say it again."""
