"""Commands of `forerun` that are more than a few lines: each file a group of them."""
