"""The run that is shown: followed from its directory, as chart, card, log and samples."""
