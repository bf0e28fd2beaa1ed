"""How many examples Hypothesis tries, in one place.

Normally they are the same ones each time, so that a red run is explained by its diff. Many more, and new ones each
time: `make test ARGS=--hypothesis-profile=thorough`.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    max_examples=100,
    derandomize=True,
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=2_500, derandomize=False)
settings.load_profile("steady")  # what the command line asks for is loaded after this


def times(factor: float) -> settings:
    """So many times the usual number of examples, for a test whose examples are cheaper than most, or dearer."""
    return settings(max_examples=round(settings().max_examples * factor))
