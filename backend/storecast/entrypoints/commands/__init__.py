"""The commands of the console: what the pages of jobs and workers do, from a terminal."""
