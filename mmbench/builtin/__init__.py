"""Built-in plugin: baseline encoders and fusions, registered through the same hooks as any other plugin."""
