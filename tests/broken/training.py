"""Mistakes in optimisers, schedules, initialisation, clipping, and derivatives of whole functions."""

from __future__ import annotations

from .variant import Variant

NADAM = "minitorch/optim/nadam.py"
LBFGS = "minitorch/optim/lbfgs.py"
ANNEALING = "minitorch/optim/lr_scheduler/annealing.py"
PLATEAU = "minitorch/optim/lr_scheduler/plateau.py"
INIT = "minitorch/nn/init/fill.py"
CLIP = "minitorch/nn/utils/clip_grad.py"
FUNCTIONAL = "minitorch/autograd/functional.py"


def trajectory(optimizer: str) -> str:
    """The tests of an optimiser's formula."""
    return f"tests/optim/test_formulas.py -k 'test_trajectory and {optimizer}'"


VARIANTS = [
    Variant(
        "optimisers: maximize before the decay",
        "the weights grow where they should decay, if the objective is maximised",
        "minitorch/optim/optimizer.py",
        '        g = -grad if group["maximize"] else grad\n        yield g + decay * param if decay else g\n',
        '        g = grad + decay * param if decay else grad\n        yield -g if group["maximize"] else g\n',
        "tests/optim/test_formulas.py -k test_trajectory",
    ),
    Variant(
        "Adagrad: a step too early",
        "the learning rate decays from the first step on",
        "minitorch/optim/adagrad.py",
        '(1 + (batch.step - 1) * group["lr_decay"])',
        '(1 + batch.step * group["lr_decay"])',
        trajectory("Adagrad"),
    ),
    Variant(
        "Adagrad: eps inside the root",
        "eps is added to the sum of squares",
        "minitorch/optim/adagrad.py",
        '(xp.sqrt(total) + group["eps"])',
        'xp.sqrt(total + group["eps"])',
        trajectory("Adagrad"),
    ),
    Variant(
        "Adadelta: eps outside the roots",
        "eps is added to the root mean squares",
        "minitorch/optim/adadelta.py",
        "xp.sqrt(acc_delta + eps) / xp.sqrt(square + eps) * g",
        "(xp.sqrt(acc_delta) + eps) / (xp.sqrt(square) + eps) * g",
        trajectory("Adadelta"),
    ),
    Variant(
        "NAdam: the momentum of this step",
        "the step ahead uses the momentum of the step at hand",
        NADAM,
        "_momentum(group, batch.step), _momentum(group, batch.step + 1)",
        "_momentum(group, batch.step), _momentum(group, batch.step)",
        trajectory("NAdam"),
    ),
    Variant(
        "LBFGS: the second loop in the order of the first",
        "the coefficients of the last steps meet the first steps",
        LBFGS,
        "zip(steps, reversed(alphas), strict=True)",
        "zip(steps, alphas, strict=True)",
        "tests/optim/test_lbfgs.py -k matrix",
    ),
    Variant(
        "line search: the weak condition",
        "a point is taken where the loss still rises steeply",
        "minitorch/optim/line_search.py",
        "return abs(point.slope) <= -C2 * start.slope",
        "return point.slope >= C2 * start.slope",
        "tests/optim/test_lbfgs.py -k strong_wolfe",
    ),
    Variant(
        "LinearLR: a step too long",
        "the rate goes on one epoch after the last",
        ANNEALING,
        "self.last_epoch > self.total_iters:",
        "self.last_epoch > self.total_iters + 1:",
        "tests/optim/test_lr_scheduler.py -k closed_form",
    ),
    Variant(
        "CosineAnnealingLR: no floor",
        "the cosine scales the whole rate, not what is above eta_min",
        ANNEALING,
        "return [now / before * (lr - self.eta_min) + self.eta_min for lr in self._current()]",
        "return [now / before * lr for lr in self._current()]",
        "tests/optim/test_lr_scheduler.py -k closed_form",
    ),
    Variant(
        "MultiStepLR: milestones are a set",
        "an epoch that is named twice counts once",
        "minitorch/optim/lr_scheduler/decay.py",
        "return [lr * self.gamma**times for lr",
        "return [lr * self.gamma for lr",
        "tests/optim/test_lr_scheduler.py -k closed_form",
    ),
    Variant(
        "SequentialLR: the second goes on",
        "a schedule doesn't begin with its own first rate when its turn comes",
        "minitorch/optim/lr_scheduler/sequential.py",
        "            scheduler._restart()\n        else:",
        "            scheduler.step()\n        else:",
        "tests/optim/test_lr_scheduler.py -k closed_form",
    ),
    Variant(
        "OneCycleLR: momentum with the rate",
        "the momentum rises while the learning rate does",
        "minitorch/optim/lr_scheduler/one_cycle.py",
        'phases = [phase(up, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))]',
        'phases = [phase(up, ("initial_lr", "max_lr"), ("base_momentum", "max_momentum"))]',
        "tests/optim/test_one_cycle.py",
    ),
    Variant(
        "ReduceLROnPlateau: impatient",
        "the rate falls an epoch too early",
        PLATEAU,
        "if self.num_bad_epochs > self.patience:",
        "if self.num_bad_epochs >= self.patience:",
        "tests/optim/test_plateau.py -k patience",
    ),
    Variant(
        "ReduceLROnPlateau: bad epochs count while it cools down",
        "the cooldown ends with all bad epochs of its time",
        PLATEAU,
        "            self.cooldown_counter -= 1\n            self.num_bad_epochs = 0\n",
        "            self.cooldown_counter -= 1\n",
        "tests/optim/test_plateau.py -k cooldown",
    ),
    Variant(
        "init: bounds for deviations",
        "a uniform distribution ends at its standard deviation",
        "minitorch/nn/init/variance.py",
        "a = math.sqrt(3.0) * _xavier_std(tensor, gain)",
        "a = _xavier_std(tensor, gain)",
        "tests/nn/test_init.py -k spread",
    ),
    Variant(
        "init: clipped tails",
        "what lies outside a truncated normal is drawn again, but only once",
        INIT,
        "        missing = missing[~kept]\n",
        "        values[missing[~kept]] = mode\n        missing = missing[:0]\n",
        "tests/nn/test_init.py -k truncated",
    ),
    Variant(
        "init: signs of the QR decomposition",
        "some rotations are likelier than others, as LAPACK chooses the signs of R",
        INIT,
        "q = q * np.sign(np.diagonal(r)) * gain",
        "q = q * gain",
        "tests/nn/test_init.py -k rotation",
    ),
    Variant(
        "clip_grad_norm_: a sum of norms",
        "the total norm is the sum of the parameters' norms",
        CLIP,
        "total = norm(stack([n.to(norms[0].device) for n in norms]), float(norm_type))",
        "total = stack([n.to(norms[0].device) for n in norms]).sum()",
        "tests/nn/test_utils.py -k total_norm",
    ),
    Variant(
        "clip_grad_norm_: short gradients grow",
        "gradients are always scaled to max_norm",
        CLIP,
        "factor = clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)",
        "factor = float(max_norm) / (total_norm + 1e-6)",
        "tests/nn/test_utils.py -k clip_grad_norm",
    ),
    Variant(
        "vector_to_parameters: always the first",
        "every parameter gets the beginning of the vector",
        "minitorch/nn/utils/convert_parameters.py",
        "            start = end\n",
        "            start = 0\n",
        "tests/nn/test_utils.py -k vector",
    ),
    Variant(
        "jacobian: transposed",
        "the axes of the input come before those of the output",
        FUNCTIONAL,
        ".reshape(output.data.shape + tensor.data.shape)",
        ".reshape(tensor.data.shape + output.data.shape)",
        "tests/autograd/test_functional.py -k jacobian",
    ),
    Variant(
        "hessian: the first row of blocks",
        "of several inputs, only the first is differentiated twice",
        FUNCTIONAL,
        "    return blocks if is_tuple else blocks[0][0]\n",
        "    return blocks[:1] * len(blocks) if is_tuple else blocks[0][0]\n",
        "tests/autograd/test_functional.py -k hessian",
    ),
    Variant(
        "jvp: constants outside",
        "a vector's own history is lost, so that products can't be differentiated by it",
        FUNCTIONAL,
        '        _, inputs, v = fresh_inputs_and_vector("jvp", inputs, v, create_graph)\n',
        '        _, inputs, v = fresh_inputs_and_vector("jvp", inputs, v, create_graph)\n'
        "        v = tuple([part.detach() for part in v])\n",
        "tests/autograd/test_functional.py -k create_graph",
    ),
]
