"""Planted truth: data whose dictionary and priors are known, and what is read from their codes."""
