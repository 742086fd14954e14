"""The chart's README: every value is in it, with the comment that explains it."""

import yaml

from logscan_tools.chartreadme import CHART, README, render, values

TEXT = """# The image.
image:
  repository: a
  tag: ""  # said by hand
# First line
# and second: with a colon.
list: [1, {a: b}]

# A heading that belongs to nothing.

empty: {}
one: {of: many}
deep:
  deeper:
    # Deepest.
    deepest: null
"""


def test_values_have_the_comments_before_them() -> None:
    assert [tuple(value) for value in values(TEXT)] == [
        ("image", "", "The image."),
        ("image.repository", '"a"', ""),
        ("image.tag", '""', ""),
        ("list", '[1, {"a": "b"}]', "First line and second: with a colon."),
        ("empty", "{}", ""),
        ("one", '{"of": "many"}', ""),
        ("deep.deeper.deepest", "null", "Deepest."),
    ]


def test_each_value_of_the_chart_is_in_its_readme() -> None:
    text = (CHART / "values.yaml").read_text()
    told = {value.path.split(".")[0] for value in values(text)}
    assert told == set(yaml.safe_load(text))
    assert README.read_text() == render()
