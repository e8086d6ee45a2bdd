"""The report: one HTML file with its figures inside, readable without a network."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from neglog.derivations.pages.show import unicode
from neglog.priors.errors import InputError
from neglog.validation.studies.settings import RESULTS

REPORT = "report.html"


def report(folder: str | Path) -> Path:
    """Write ``report.html`` again from a study's results and figures.

    Raises:
        InputError: the folder holds no finished study.
    """
    path = Path(folder) / RESULTS
    if not path.is_file():
        raise InputError(f"{folder} holds no {RESULTS}: run neglog study --out {folder} first.")
    return write_report(Path(folder), json.loads(path.read_text()))


def write_report(folder: Path, results: dict[str, Any]) -> Path:
    """Render the template and write it whole or not at all."""
    source = files("neglog.validation.studies").joinpath("report.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["math"] = unicode
    html = environment.from_string(source).render(**context(folder, results))
    partial = folder / f".{REPORT}.partial"
    partial.write_text(html, encoding="utf-8")
    return partial.replace(folder / REPORT)


def context(folder: Path, results: dict[str, Any]) -> dict[str, Any]:
    """What the template reads."""
    derived = results["answers"]["derivations"]
    settings = results["settings"]
    scalar = [doc for name, doc in derived.items() if " on " in name]
    first_pairs = next(iter(results["pairs"].values()))
    source = settings["activations"] or f"MiniLM layer {settings['layer']}, residual stream"
    return {
        "data": f"{source}, {results['tokens']:,} tokens",
        "settings": settings,
        "machine": results["machine"],
        "total": sum(results["seconds"].values()),
        "verdict": results["verdict"],
        "scalar": scalar,
        "joint": [doc for name, doc in derived.items() if " on " not in name],
        "simulated": results["answers"]["simulated"],
        "budget": results["answers"]["budget"],
        "trained": results["trained"],
        "tempering": results["tempering"],
        "fits": results["fits"],
        "pairs": results["pairs"],
        "alpha": next(iter(first_pairs.values()))["alpha"],
        "prior": results["fitted_prior"],
        "seconds": results["seconds"],
        "figure": lambda name, caption: figure(folder / "figures" / f"{name}.png", caption),
    }


def figure(path: Path, caption: str) -> Markup:
    """A figure as data inside the page."""
    data = base64.b64encode(path.read_bytes()).decode()
    image = Markup('<img alt="{}" src="data:image/png;base64,{}">').format(caption, Markup(data))
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(image, escape(caption))
