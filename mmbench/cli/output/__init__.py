"""Output of the shell: results on stdout, notes and progress on stderr."""
