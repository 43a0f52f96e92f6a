"""The example notebook runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "higgs.ipynb"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of Jupyter's own machinery
def test_the_notebook_goes_from_events_to_a_roc_curve(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute()
    *_, table, plot = (cell for cell in notebook.cells if cell.cell_type == "code")
    shown = table.outputs[-1]["data"]
    assert "opened 1 time;" in shown["text/plain"]
    assert "<table>" in shown["text/html"]
    assert "image/png" in plot.outputs[-1]["data"]
