"""What the labs ask for, how the truth is recomputed, and the classic mistakes; one module a lab."""
