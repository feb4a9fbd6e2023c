"""The programs that are timed, each a process of its own, run as `python -m`.

They speak the protocol of `serving`. Those of PyTorch may run under another interpreter, so what
they import must need nothing but NumPy and PyTorch.
"""
