"""Settings of all tests: hypothesis tries the same examples each time, however slow the machine."""

from hypothesis import settings

settings.register_profile("hepafed", deadline=None, derandomize=True)
settings.load_profile("hepafed")
