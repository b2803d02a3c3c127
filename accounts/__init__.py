"""Who may use the merchant console: users, their shops, sessions, invitations, and what they did."""
