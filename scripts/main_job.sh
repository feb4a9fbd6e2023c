#!/bin/sh
# The main job without a terminal: train for a minute on the text of every Python, then generate.
# Usage: main_job.sh PATH-TO-CHARRNN-TUI
set -eu
program=$1
echo "No terminal here, so no app: training the tiny preset on pydoc for a minute, then 300 characters from it." >&2
run=$("$program" train --headless pydoc --preset tiny --train-time 60s)
exec "$program" generate "The " --length 300 --temperature 0.7 --rng-seed 1 --model "$run"
