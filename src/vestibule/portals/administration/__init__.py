"""Pages for those who administer: every one asks for a right, and says what was done; flows decide and write."""
