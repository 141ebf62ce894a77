"""The report of a validation: page, tables, plots."""
