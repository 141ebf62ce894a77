"""What coordinator and sites agree on: plans, messages, files, words."""
