"""Arguments of the functions of Python: options of a run, datasets in memory and component classes, as a `RunSpec`."""
