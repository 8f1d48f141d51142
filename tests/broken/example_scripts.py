"""Mistakes in the training loop of the examples: what an interruption loses, and what is measured wrongly."""

from __future__ import annotations

from .variant import Variant

CHECKPOINT = "examples/training/checkpoint.py"
LOOP = "examples/training/loop.py"
STEP = "examples/training/step.py"
ALEXNET = "tests/examples/test_train_alexnet.py"
RESUMING = "tests/examples/test_alexnet_resuming.py"
CTRL_C = f"{RESUMING} -k ctrl_c"
ACCUMULATION = f"{ALEXNET} -k gradients_of_several"

VARIANTS = [
    Variant(
        "training: dropout begins anew",
        "a resumed run draws the random numbers of its beginning",
        CHECKPOINT,
        '    minitorch.set_rng_state(ranks.own(checkpoint["rng_state"]))\n',
        "",
        CTRL_C,
    ),
    Variant(
        "training: the schedule begins anew",
        "a resumed run has the learning rates of the first epochs",
        CHECKPOINT,
        '        run.scheduler.load_state_dict(checkpoint["scheduler"])\n',
        "        pass\n",
        CTRL_C,
    ),
    Variant(
        "training: half a step in a checkpoint",
        "a checkpoint is written while gradients wait, which it doesn't hold",
        LOOP,
        "            if step.seen:\n                continue",
        "            if False:\n                continue",
        f"{RESUMING} -k crash",
    ),
    Variant(
        "training: the best are the last",
        "the weights of each epoch are kept as the best",
        LOOP,
        "if run.best is not None and accuracy > progress.best_accuracy:",
        "if run.best is not None:",
        f"{ALEXNET} -k best_weights",
    ),
    Variant(
        "training: a plateau of the loss",
        "the learning rate falls where the validation loss does, instead of where the accuracy stalls",
        LOOP,
        "run.scheduler.step(accuracy)",
        "run.scheduler.step(answers.loss)",
        f"{ALEXNET} -k best_weights",
    ),
    Variant(
        "training: each batch begins a step",
        "of accumulated gradients only the last batch's remain",
        STEP,
        "        if not self.seen:\n            self.optimizer",
        "        if True:\n            self.optimizer",
        ACCUMULATION,
    ),
    Variant(
        "training: a sum of means",
        "accumulated gradients are added up without their shares",
        STEP,
        "(loss if len(labels) == of else loss * (len(labels) / of)).backward()",
        "loss.backward()",
        ACCUMULATION,
    ),
    Variant(
        "training: clipped batch by batch",
        "the norm of each part's gradient is limited, not that of the step's",
        STEP,
        "        if is_last:\n"
        "            if self.clip_grad is not None:\n"
        "                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad)\n",
        "        if self.clip_grad is not None:\n"
        "            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad)\n"
        "        if is_last:\n",
        ACCUMULATION,
    ),
    Variant(
        "training: the least likely class",
        "answers are ranked the wrong way round",
        "examples/training/evaluation.py",
        "np.argsort(-logits.numpy(force=True)",
        "np.argsort(logits.numpy(force=True)",
        f"{ALEXNET} -k several_crops",
    ),
    Variant(
        "training: augmented tests",
        "validation and test images are cropped and mirrored at random, too",
        "examples/training/images.py",
        "    prepare = transforms.Compose(to_test(options) + to_floats())\n",
        "    prepare = train_transform(options)\n",
        f"{ALEXNET} -k augmented",
    ),
]
