"""HTML for notebooks, and what public objects show there."""

from conftest import pair_dataset

import keras_ms
from keras_ms import notebooks


def test_what_is_shown_is_escaped():
    made = notebooks.table("<b>", ("a&b",), [("<script>",)])
    assert "<script>" not in made
    assert made.count("&lt;") == 2
    assert "a&amp;b" in made
    assert notebooks.text("x < y") == "<pre>x &lt; y</pre>"
    assert 'alt="&quot;' in notebooks.picture(b"", '"')


def test_levels_have_a_row_each():
    shown = keras_ms.Levels((16, 32, 64), spatial_dims=3)._repr_html_()
    assert shown.count("<tr>") == 4
    assert "<td>2</td><td>4 px</td><td>64</td><td>0.015625</td>" in shown
    assert "Levels(batch_sizes=(16, 32, 64)" in repr(keras_ms.Levels((16, 32, 64)))


def test_a_dataset_shows_its_words_and_a_picture():
    shown = pair_dataset((1, 2))._repr_html_()
    assert "x: image 32x32x3" in shown
    assert 'src="data:image/png;base64,iVBOR' in shown


def test_a_schedule_shows_its_stages_in_the_order_of_training():
    schedule = keras_ms.FullMultiscaleSchedule((10, 0, 40), steps_per_epoch=5)
    wanted = "FullMultiscaleSchedule(iterations=(10, 0, 40), steps_per_epoch=5)"
    assert repr(schedule) == wanted
    shown = schedule._repr_html_()
    first, second = (
        shown.index("<td>1</td><td>2</td><td>40</td><td>8</td>"),
        shown.index("<td>2</td><td>0</td><td>10</td><td>2</td>"),
    )
    assert first < second


def test_an_adaptive_schedule_shows_its_budget_before_it_decides():
    schedule = keras_ms.AdaptiveSchedule(seconds=60)
    assert repr(schedule) == "<AdaptiveSchedule(seconds=60): 0 decisions so far>"
    assert "AdaptiveSchedule, seconds: 60" in schedule._repr_html_()
    assert "work_units=20" in repr(keras_ms.AdaptiveSchedule(work_units=20))
