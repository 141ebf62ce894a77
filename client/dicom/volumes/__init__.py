"""From slices to volumes of numbers in the patient."""
