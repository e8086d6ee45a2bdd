"""One pass over codes: counts, sums and a log-binned histogram of each feature, mergeable."""
