"""Is a fit any good, and is one better than another? Tests, held-out scores, tails, resampling."""
