"""What `train_speed` is made of: sizes, contenders in turns, results, report."""
