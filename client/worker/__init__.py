"""The running site: SuperNode and worker, supervised; requests in, replies out."""
