"""What fuzzing needs: valid files of every reader, ways to spoil them, and a judge of what a reader does with them."""
