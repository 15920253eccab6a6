"""The door by which providers of calls, texts and mail tell us things."""
