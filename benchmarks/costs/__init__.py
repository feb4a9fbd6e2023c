"""What `overhead` is made of: what records, checkpoints and an attached app cost training."""
