"""Pictures of training and of networks, with matplotlib.

Every function returns a ``matplotlib.figure.Figure``: ``figure.savefig("curves.png")`` writes it, and a notebook shows
it. No display is needed and matplotlib's global state is left alone; it is imported when the first picture is made.
"""

from .layers import plot_feature_maps, plot_filters
from .training import plot_confusion_matrix, plot_curves

__all__ = ["plot_confusion_matrix", "plot_curves", "plot_feature_maps", "plot_filters"]
