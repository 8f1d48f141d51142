"""What the training scripts share: options, the loop, checkpoints, and what is printed and drawn.

Read :mod:`training.loop` first: it is where training happens. It calls :mod:`training.step` for each batch,
:mod:`training.evaluation` after each epoch and :mod:`training.checkpoint` to save, and
:mod:`training.ranks` where several processes train together. :mod:`training.options` holds the
options that all scripts have, :mod:`training.report` what they print and draw.
"""
