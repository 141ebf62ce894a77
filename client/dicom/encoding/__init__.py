"""From bytes to the headers of slices."""
