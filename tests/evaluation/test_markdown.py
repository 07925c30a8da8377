"""Tables in Markdown: what stands in a cell stays there."""

from kdmri_tf.evaluation.markdown import columns_as_table, markdown_table

EXPECTED = [
    r"| a\|b | c |",
    "| --- | --- |",
    r"| x \| y | 1 |",
    "| two lines | 2 |",
]


def test_names_with_bars_and_line_breaks_stay_in_their_cells():
    table = markdown_table(["a|b", "c"], [["x | y", "1"], ["two\nlines", "2"]])
    assert table.splitlines() == EXPECTED


def test_columns_are_the_same_table():
    table = columns_as_table({"a|b": ["x | y", "two\nlines"], "c": ["1", "2"]})
    assert table.splitlines() == EXPECTED
