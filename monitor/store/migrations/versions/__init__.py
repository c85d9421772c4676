"""One module per step; each says what it follows."""
