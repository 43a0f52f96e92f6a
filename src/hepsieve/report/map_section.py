"""The page's section about what models look at, in images or in waveforms: its pictures and how to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from hepsieve.evaluate.evaluation import AnyEvaluation
from hepsieve.evaluate.image_results import OcclusionMap, WaveformMap
from hepsieve.evaluate.results import Evaluation
from hepsieve.report.images import draw_drop, is_shower, largest_drop, panels
from hepsieve.report.picture import Picture, picture
from hepsieve.report.summary import number
from hepsieve.report.waveform_maps import map_curves

_HOW = {"occlusion": "Hidden samples", "gradient": "Integrated gradients"}


@dataclass(frozen=True, kw_only=True)
class ModelMaps:
    """What one model looks at."""

    model: str
    maps: tuple[Picture, ...]


def map_section(evaluation: AnyEvaluation) -> dict[str, Any]:
    """What the template of the section needs; nothing is in ``maps`` where none were made."""
    return {"maps": map_sections(evaluation), "maps_intro": map_intro(evaluation)}


def map_sections(evaluation: AnyEvaluation) -> tuple[ModelMaps, ...]:
    """What each model looks at; nothing where no maps were made."""
    made: list[ModelMaps] = []
    for name in evaluation.models:
        images = [one for one in evaluation.maps if one.model == name]
        waveforms = [one for one in evaluation.waveform_maps if one.model == name]
        pictures = [*_of_images(evaluation, images), *_of_waveforms(evaluation, waveforms)]
        if pictures:
            made.append(ModelMaps(model=name, maps=tuple(pictures)))
    return tuple(made)


def map_intro(evaluation: AnyEvaluation) -> str:
    """How the maps were made and how to read them."""
    sentences = []
    if hidden := [one for one in evaluation.maps if one.method == "occlusion"]:
        patch = hidden[0].patch
        sentences.append(
            f"A square of {patch} × {patch} pixels is emptied, at every place in turn, and the image scored again: "
            f"shown is how far {_answer(evaluation)} falls."
        )
    if evaluation.waveform_maps:
        windows = len(evaluation.waveform_maps[0].drop)
        sentences.append(
            f"One of {windows} windows of samples at a time is set to the waveform's own quiet level, and the waveform "
            f"scored again: shown is how far {_answer(evaluation)} falls."
        )
    methods = {one.method for one in evaluation.maps} | {one.method for one in evaluation.waveform_maps}
    if "gradient" in methods:
        sentences.append(
            "Integrated gradients (arXiv:1703.01365) share out, to first order along a straight way, by how much it "
            "lies apart from that of an empty event."
        )
    if not sentences:
        return ""
    sentences.append(f"{_meaning(evaluation)} Averages over validation events.")
    if evaluation.maps:
        sentences.append(
            "The colours reach equally far for all maps of a model that were made alike; they are linear near 0 and "
            "logarithmic beyond. Blank: less than two standard errors from 0."
        )
    if evaluation.waveform_maps:
        sentences.append("Bands: two standard errors. Above: the mean of the same waveforms.")
    return " ".join(sentences)


def _answer(evaluation: AnyEvaluation) -> str:
    if isinstance(evaluation, Evaluation):
        return "the score's logit, log(score / (1 − score)),"
    return f"the prediction of {evaluation.target.name}, as a share of the full scale,"


def _meaning(evaluation: AnyEvaluation) -> str:
    if isinstance(evaluation, Evaluation):
        background, signal = evaluation.classes
        return f"Above 0, red: it speaks for {signal}; below 0, blue: for {background}."
    return f"Above 0: it makes the predicted {evaluation.target.name} larger; below 0, smaller."


def _class(evaluation: AnyEvaluation, label: int | None) -> str:
    """The name of a class as an adjective; empty in a regression."""
    return "" if label is None or not isinstance(evaluation, Evaluation) else f"{evaluation.classes[label]} "


def _of_images(evaluation: AnyEvaluation, maps: Sequence[OcclusionMap]) -> list[Picture]:
    images = evaluation.images if isinstance(evaluation, Evaluation) else None
    centred = images is not None and is_shower(images)
    pictures = []
    for one in maps:
        most = largest_drop([other for other in maps if other.method == one.method])
        what = _class(evaluation, one.label)
        how = "" if one.method == "occlusion" else ", integrated gradients"
        alt = (
            f"How far the answer of {one.model} falls when pixels of {what}images are hidden."
            if one.method == "occlusion"
            else f"Each pixel's part in the answer of {one.model} to {what}images."
        )
        drawn = panels({one.model: partial(draw_drop, drops=one, most=most, centred=centred)})
        pictures.append(picture(drawn, alt, title=f"{number(one.images, 0)} {what}images{how}"))
    return pictures


def _of_waveforms(evaluation: AnyEvaluation, maps: Sequence[WaveformMap]) -> list[Picture]:
    pictures = []
    ordered = sorted(maps, key=lambda one: one.method != "occlusion")
    for method, group in groupby(ordered, key=lambda one: one.method):
        some = list(group)
        labels = [_class(evaluation, one.label).strip() or "all" for one in some]
        counted = ", ".join(f"{number(one.waveforms, 0)} {_class(evaluation, one.label)}waveforms" for one in some)
        numbers: dict[str, list[float | str | None]] = {
            "from [µs]": list(some[0].edges[:-1]),
            "to [µs]": list(some[0].edges[1:]),
        }
        for label, one in zip(labels, some, strict=True):
            numbers |= {f"{label}: drop": list(one.drop), f"{label}: standard error": list(one.error)}
        unit = "logit" if isinstance(evaluation, Evaluation) else "prediction"
        pictures.append(
            picture(
                map_curves(some, labels, answer=unit),
                f"How much each window of samples adds to the {unit} of {some[0].model}, below mean waveforms.",
                title=f"{_HOW[method]}: {counted}",
                numbers=numbers,
            )
        )
    return pictures
