"""What is kept of searches for the merchant: what they asked for, how they were answered, what was chosen."""
