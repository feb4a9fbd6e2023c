"""From a text to batches of character indices: corpus, vocabulary, streams, n-gram baselines."""
