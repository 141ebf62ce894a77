"""Training and scoring on the site's own lesions."""
