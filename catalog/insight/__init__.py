"""What shoppers asked for and chose, kept of nobody: events, figures a day, and what they add up to."""
