"""What nanoGPT prints becomes a curve, and a folder without nanoGPT is refused."""

import subprocess
import sys
from pathlib import Path

from benchmarks.nanogpt import Score, read_scores

PRINTED = """
step 0: train loss 4.2843, val loss 4.2791
iter 0: loss 4.2601, time 3300.00ms, mfu -100.00%
iter 1: loss 3.6704, time 20.00ms, mfu -100.00%
iter 2: loss 3.3504, time 30.00ms, mfu -100.00%
step 3: train loss 2.5022, val loss 2.5104
saving checkpoint to out-shakespeare-char
iter 3: loss 2.4801, time 3350.00ms, mfu 0.10%
iter 4: loss 2.4512, time 20.00ms, mfu 0.10%
iter 5: loss 2.4403, time 20.00ms, mfu 0.10%
step 6: train loss 2.2103, val loss 2.2204
iter 6: loss 2.2001, time 3320.00ms, mfu 0.10%
""".splitlines()


def test_an_evaluation_does_not_count_as_training() -> None:
    scores = read_scores(PRINTED)
    middle = 0.030  # the median of the seven iterations, for the two that hold an evaluation
    assert [(score.step, score.loss) for score in scores] == [(0, 4.2791), (3, 2.5104), (6, 2.2204)]
    assert scores[0] == Score(0.0, 0, 4.2791)
    assert abs(scores[1].elapsed - (middle + 0.020 + 0.030)) < 1e-9
    assert abs(scores[2].elapsed - (scores[1].elapsed + middle + 0.020 + 0.020)) < 1e-9


def test_a_folder_without_nanogpt_is_refused(tmp_path: Path) -> None:
    words = ("-m", "benchmarks.nanogpt", "--folder", str(tmp_path), "--text", "shakespeare.txt")
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "a checkout of nanoGPT" in ended.stderr
    assert "Traceback" not in ended.stderr
