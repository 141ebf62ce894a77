"""From a labels table to places in volumes."""
