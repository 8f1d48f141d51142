from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch import metrics


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(seed):
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    target, prediction = rng.integers(0, 5, (2, 60))
    confusion = metrics.confusion_matrix(target, minitorch.tensor(prediction), num_classes=5)
    np.testing.assert_array_equal(confusion.numpy(), sklearn_metrics.confusion_matrix(target, prediction))
    expected = sklearn_metrics.precision_recall_fscore_support(target, prediction)
    for score, column in zip(metrics.precision_recall_f1(confusion), expected[:3], strict=True):
        np.testing.assert_allclose(score.numpy(), column, rtol=1e-12)
    assert metrics.accuracy(confusion) == sklearn_metrics.accuracy_score(target, prediction)


def test_classes_that_never_occur_score_zero():
    scores = metrics.precision_recall_f1(metrics.confusion_matrix([0, 0, 1], [0, 1, 0], num_classes=3))
    assert scores.precision.tolist() == [0.5, 0, 0]
    assert scores.recall.tolist() == [0.5, 0, 0]
    assert scores.f1.tolist() == [0.5, 0, 0]


def test_nothing_at_all():
    confusion = metrics.confusion_matrix(np.empty(0, np.int64), np.empty(0, np.int64), num_classes=2)
    assert confusion.tolist() == [[0, 0], [0, 0]]
    assert math.isnan(metrics.accuracy(confusion))
    assert "mean" in metrics.classification_report(confusion, ["a", "b"])


@pytest.mark.parametrize(
    ("target", "prediction", "message"),
    [
        ([0, 1], [0], r"of one shape \(N,\), got \(2,\) and \(1,\)"),
        ([[0, 1]], [[0, 1]], r"of one shape \(N,\)"),
        ([0, 3], [0, 1], "target holds class 3, expected 0 … 2"),
        ([0, 1], [-1, 1], "prediction holds class -1"),
    ],
)
def test_wrong_classes(target, prediction, message):
    with pytest.raises(ValueError, match=message):
        metrics.confusion_matrix(target, prediction, num_classes=3)


def test_tables_line_up():
    confusion = metrics.confusion_matrix([0, 1, 2, 2], [0, 1, 2, 0], num_classes=3)
    classes = ["T-shirt/top", "7", "Bag"]
    for table in (
        metrics.classification_report(confusion, classes),
        metrics.format_confusion_matrix(confusion, classes),
    ):
        lines = table.splitlines()
        assert len({len(line) for line in lines}) == 1, table
        assert "T-shirt/top" in table
