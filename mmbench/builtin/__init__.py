"""The plugin that comes with the host: baseline encoders and fusions, through the same hooks as any other."""
