"""The page's sections about images: what is drawn is what was averaged, in colours that say what they mean."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from hepsieve.evaluate.image_results import OcclusionMap
from hepsieve.evaluate.results import Evaluation
from hepsieve.report.html import render
from hepsieve.report.image_section import image_section
from hepsieve.report.images import as_array, draw_difference, draw_drop, draw_example, draw_mean, largest_drop, panels
from hepsieve.report.map_section import map_intro, map_sections
from hepsieve.report.style import to_svg

Make = Callable[..., Path]
Evaluate = Callable[..., Evaluation]


@pytest.fixture
def showers(evaluate_by_hand: Evaluate, with_images: Evaluate) -> Evaluation:
    return with_images(evaluate_by_hand(features=["total energy"], models=["trees", "mlp-torch"]))


def shown(figure: Figure) -> AxesImage:
    return figure.axes[0].get_images()[0]


def pixels(figure: Figure) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(shown(figure).get_array()), np.nan)


def test_means_of_both_classes_share_their_colours(showers: Evaluation) -> None:
    images = showers.images
    assert images is not None
    drawn = [panels({"": partial(draw_mean, images=images, channel=0, signal=signal)}) for signal in (False, True)]
    norms = [shown(figure).norm for figure in drawn]
    assert isinstance(norms[0], LogNorm)
    assert (norms[0].vmin, norms[0].vmax) == (norms[1].vmin, norms[1].vmax)
    np.testing.assert_array_equal(pixels(drawn[1]), as_array(images.means[0].signal))
    # Crystal (4, 4) of 8 × 8 stands in the centre, so that the axes count from it.
    assert tuple(shown(drawn[0]).get_extent()) == (-4.5, 3.5, -4.5, 3.5)
    assert drawn[0].axes[0].get_xlabel() == "φ, crystals from the centre"


def test_the_difference_is_signal_minus_background_where_it_is_no_chance(showers: Evaluation) -> None:
    images = showers.images
    assert images is not None
    figure = panels({"": partial(draw_difference, images=images, channel=0)})
    mean, values, norm = images.means[0], pixels(figure), shown(figure).norm
    assert isinstance(norm, SymLogNorm)
    assert norm.vmin == -(norm.vmax or 0)
    # Electrons were given 0.7 in the centre and photons 0.8, without any spread.
    assert values[4, 4] == pytest.approx(-0.1)
    difference = as_array(mean.signal) - as_array(mean.background)
    error = np.sqrt(as_array(mean.signal_error) ** 2 + as_array(mean.background_error) ** 2)
    np.testing.assert_array_equal(np.isfinite(values), np.abs(difference) > 2 * error)
    assert 0 < np.isfinite(values).sum() < 64


def test_an_example_is_blank_where_it_holds_nothing(showers: Evaluation) -> None:
    images = showers.images
    assert images is not None
    example = images.examples[0]
    values = pixels(panels({"": partial(draw_example, images=images, example=example, channel=0)}))
    assert np.isfinite(values).sum() == len(example.values[0])
    assert values[4, 4] == pytest.approx(0.8)


def test_maps_of_a_model_share_their_colours(showers: Evaluation) -> None:
    first = showers.maps[:2]
    most = largest_drop(first)
    assert most == max(np.abs(one.drop).max() for one in first)
    figure = panels({"": partial(draw_drop, drops=first[0], most=most, centred=True)})
    assert (shown(figure).norm.vmin, shown(figure).norm.vmax) == (-most, most)
    assert not np.isfinite(pixels(figure)[np.abs(first[0].drop) <= 0.02]).any()


def test_a_map_of_nothing_can_be_drawn() -> None:
    zeros = ((0.0, 0.0), (0.0, 0.0))
    nothing = OcclusionMap(model="m", label=0, drop=zeros, error=zeros, images=2, patch=1)
    svg = to_svg(panels({"": partial(draw_drop, drops=nothing, most=largest_drop([nothing]), centred=False)}))
    assert "column" in svg


def test_the_page_shows_images_and_maps(make_run: Make, showers: Evaluation) -> None:
    told = showers.models["trees"].model_copy(update={"inputs": "20 shower shapes: energy"})
    page = render(make_run(showers.model_copy(update={"models": {**showers.models, "trees": told}})))
    assert '<span class="interval">20 shower shapes: energy</span>' in page
    for section in ("images", "maps", "slices"):
        assert f'<section id="{section}">' in page
        assert f'<a href="#{section}">' in page
    assert "30 signal and 30 background images" in page
    assert "the hottest crystal stands in the centre" in page
    assert "1 stands for 50 GeV." in page
    assert "Red: later in signal images. Blue: earlier." in page
    assert "A square of 3 × 3 pixels is emptied" in page
    assert "it speaks for signal; below 0, blue: for background" in page
    assert "the test events had no say in them" in page
    pictures = {
        section: re.findall(
            r'<img src="([^"]*)"', page.partition(f'<section id="{section}">')[2].partition("</section>")[0]
        )
        for section in ("images", "maps")
    }
    # Two channels with three means, a scale and ten examples each; two models with two maps.
    assert {section: len(found) for section, found in pictures.items()} == {"images": 28, "maps": 4}
    assert max(map(len, pictures["images"])) < 16_000


@pytest.mark.usefixtures("undrawn")
def test_a_page_about_tables_has_no_word_of_images(make_run: Make, evaluate_by_hand: Evaluate) -> None:
    evaluation = evaluate_by_hand(features=["a"], models=["trees"])
    page = render(make_run(evaluation))
    assert image_section(evaluation) is None
    assert (map_sections(evaluation), map_intro(evaluation)) == ((), "")
    for word in ("Images", "maps", "Shower", "pixel", "shower_shapes"):
        assert word not in re.sub(r'src="data:[^"]*"', "", page).replace("image-rendering", ""), word


def test_other_images_have_rows_and_columns(showers: Evaluation) -> None:
    images = showers.images
    assert images is not None
    grey = images.means[0].model_copy(update={"channel": "grey", "unit": ""})
    section = image_section(showers.model_copy(update={"images": images.model_copy(update={"means": (grey,)})}))
    assert section is not None
    assert section.intro.endswith("8 rows and 8 columns.")
    picture = base64.b64decode(section.channels[0].means[0].source.partition(",")[2]).decode()
    assert ">column<" in picture
    assert "η" not in picture
    assert section.channels[0].examples[0][0].note == ""
