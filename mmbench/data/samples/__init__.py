"""Samples as datasets give them: checked against the schema, and converted to what is stored."""
