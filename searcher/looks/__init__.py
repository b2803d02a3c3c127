"""Complete the look: what goes with a piece, as the shop says, and else by kind, style and colour."""
