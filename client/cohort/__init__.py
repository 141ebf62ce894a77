"""The cohort store: lesions as numbers, under pseudonyms."""
