"""What every test process needs before torch is imported, one process a core."""

import os
import signal

# One thread a process: the tests' tensors are small, and threads that wait for each other on busy cores take twice as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell's background jobs ignore Ctrl-C, and so would the programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
