"""Commands for authors of plugins: create one, and check that it keeps the contract."""
