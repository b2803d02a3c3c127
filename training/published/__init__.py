"""The published network, ComposeTransformers after ComposeAE: the baseline `seed`."""
