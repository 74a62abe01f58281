# SPDX-License-Identifier: Apache-2.0
"""What every picture has in common; for plot_theory.py and plot_experiments.py (not a command)."""

import sys
from pathlib import Path

try:
    import matplotlib
except ImportError:
    print(f"{Path(sys.argv[0]).name}: this Python has no matplotlib (apt-get install "
          "python3-matplotlib, or scripts/setup.sh all; then /usr/bin/python3)", file=sys.stderr)
    sys.exit(2)

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 (after the backend is chosen)

# Okabe and Ito's palette: told apart by readers with any colour vision.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
ORANGE, PURPLE = "#E69F00", "#CC79A7"

plt.rcParams.update({
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9.5, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#DDDDDD", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "legend.frameon": False, "svg.hashsalt": "szt", "figure.constrained_layout.use": True,
})


def legend_on_top(figure: plt.Figure, axes: plt.Axes, columns: int, rows: int = 1) -> None:
    """One legend for all panels, above them."""
    inches = 0.12 + 0.19 * rows
    top = 1 - inches / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, 0, 1, top))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=columns, borderaxespad=0.3)


def save(figure: plt.Figure, folder: Path, name: str) -> None:
    """FOLDER/NAME.png and .svg, and their names on standard output."""
    folder.mkdir(parents=True, exist_ok=True)
    # Without a date, so that the same numbers make the same file.
    for suffix, metadata in ((".png", None), (".svg", {"Date": None})):
        file = folder / (name + suffix)
        figure.savefig(file, dpi=110, metadata=metadata)
        print(file)
    plt.close(figure)
