"""One module per command; imports the rest, nothing imports it."""
