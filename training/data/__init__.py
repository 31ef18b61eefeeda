"""Tables: read, clean, encode, split, check and describe them."""
