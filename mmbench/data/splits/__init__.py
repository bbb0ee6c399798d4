"""Splits: protocols, and the folds that they cut from ids, groups, times and official parts."""
