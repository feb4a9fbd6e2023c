"""What `benchmarks.originality_speed` measures, a process for each part."""
