"""Debiased codes: from penalised estimates back to observations of the activations."""
