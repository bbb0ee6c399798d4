"""Data in memory: arrays and frames become a folder of the cache that the dataset ``folder`` reads."""
