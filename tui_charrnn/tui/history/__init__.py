"""The texts that models have generated, kept: list, search, replay."""
