"""The contract between Minitorch's operations and the code that computes them.

A backend works on the arrays of one device: NumPy arrays (``reference``, ``cpu``) or CuPy arrays (``cuda``). It knows
nothing of tensors or gradients. Whatever is plain array code is written once, in ``minitorch.ops``, on the backend's
array module ``xp``; the methods below are the operations that deserve a kernel.

Every method
  * takes arrays of one floating dtype (float32 or float64) unless it says otherwise, of any strides;
  * may assume that shapes, dtypes and geometry are valid: ``minitorch.ops`` checks them and words the errors;
  * returns new C-contiguous arrays and never writes into its inputs (``index_*`` and ``*_step`` say what they update);
  * accepts empty batches and zero-size dimensions;
  * gives the same bits for the same inputs, whatever the number of threads;
  * follows IEEE 754 for NaN, infinities and signs, but may take a subnormal number for zero.

``reference.py`` implements all of it in plain NumPy and is the definition that the other backends are tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, Protocol

Array = Any  # numpy.ndarray or cupy.ndarray
Pair = tuple[int, int]


class Backend(Protocol):
    """Array operations on one device."""

    name: str
    """``"cpu"``, ``"reference"`` or ``"cuda"``."""

    xp: ModuleType
    """The array module of the device: ``numpy``, or ``cupy`` with NumPy's meaning."""

    @property
    def capturing(self) -> bool:
        """Whether what is called is recorded for later instead of computed, so that no number can be looked at."""
        ...

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        """An uninitialised C-contiguous array."""
        ...

    def scalar(self, number: Any, dtype: Any) -> Array:
        """A number as a 0-d array."""
        ...

    def move(self, array: Array, non_blocking: bool = False) -> Array:
        """An array of any device on this one: itself where it is there already.

        With ``non_blocking`` a copy between pinned memory and a GPU may be on its way still.
        """
        ...

    def elsewhere(self) -> AbstractContextManager[Any] | None:
        """What must be entered before the device's arrays are computed with: None for a CPU and for the current GPU."""
        ...

    # ---- matrix product -------------------------------------------------------------------------------------------

    def matmul(self, a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
        """``activation(a @ b + bias)``: (…, M, K) × (…, K, N) → (…, M, N).

        The leading dimensions broadcast. ``bias`` is (N,) and added to every row; ``activation`` is None or ``"relu"``.
        Transposed and broadcast views are passed as they are: their strides are used, nothing is copied.
        """
        ...

    # ---- convolution ----------------------------------------------------------------------------------------------
    # OH = (H + 2*padding[0] - dilation[0]*(KH - 1) - 1) // stride[0] + 1, and OW likewise.

    def conv2d(
        self,
        input: Array,
        weight: Array,
        bias: Array | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        """Cross-correlation: input (N, C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, OH, OW)."""
        ...

    def conv2d_backward_input(
        self,
        grad_output: Array,
        weight: Array,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        """The adjoint of ``conv2d`` in its input: grad_output (N, O, OH, OW) → (N, C, H, W) = ``input_shape``."""
        ...

    def conv2d_backward_weight(
        self,
        input: Array,
        grad_output: Array,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        """The adjoint of ``conv2d`` in its weight: → (O, C/groups, KH, KW) = ``weight_shape``."""
        ...

    # ---- pooling --------------------------------------------------------------------------------------------------

    def max_pool2d(
        self, input: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
    ) -> tuple[Array, Array]:
        """Maximum of each window: (N, C, H, W) → output and indices, both (N, C, OH, OW) with (OH, OW) = output_size.

        An index is the offset ``kh*KW + kw`` of the maximum inside its window: uint8 where KH*KW <= 256, else int32.
        The first maximum wins; a NaN counts as larger than every number; padding is -inf and never wins over an
        element of the input. ``output_size`` is given because ``ceil_mode`` may add windows that overhang the input.
        A window with no element of the input in it (dilation can step over a small input) gives -inf and index 0;
        that index then names padding, where ``max_pool2d_backward`` drops and ``max_pool2d_gather`` gives 0.
        """
        ...

    def max_pool2d_backward(
        self,
        grad_output: Array,
        indices: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
    ) -> Array:
        """Scatter: adds each element of grad_output (N, C, OH, OW) to the position its index names → (N, C, H, W)."""
        ...

    def max_pool2d_gather(
        self, input: Array, indices: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
    ) -> Array:
        """Gather: takes from input (N, C, H, W) the element that each index names → (N, C, OH, OW)."""
        ...

    def avg_pool2d(
        self,
        input: Array,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        output_size: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        """Mean of each window: (N, C, H, W) → (N, C, OH, OW).

        With h0 = oh*stride - padding and h1 = min(h0 + KH, H + padding), the divisor is ``divisor_override`` if given,
        else (h1 - h0)*(w1 - w0) with ``count_include_pad``, else the number of elements of the input in the window.
        A window with no element of the input in it gives 0.
        """
        ...

    def avg_pool2d_backward(
        self,
        grad_output: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        """The adjoint of ``avg_pool2d``: (N, C, OH, OW) → (N, C, H, W) = ``input_shape``."""
        ...

    # ---- elementwise ----------------------------------------------------------------------------------------------

    def relu(self, input: Array) -> Array:
        """``max(input, 0)``; NaN stays NaN."""
        ...

    def relu_backward(self, grad_output: Array, output: Array) -> Array:
        """0 where ``output <= 0``, else ``grad_output`` (so NaN passes a gradient, as in PyTorch); all of one shape."""
        ...

    def philox(self, seed: int, offset: int, n: int) -> Array:
        """``n`` words of the Philox4x32-10 stream (Salmon et al. 2011) as uint32.

        The key is ``seed`` (64 bits, low word first). Block b has the counter ``offset + b`` (modulo 2**64, low word
        first, the upper two words zero) and gives words 4b … 4b+3.
        """
        ...

    def dropout(self, input: Array, p: float, seed: int, offset: int) -> Array:
        """Keeps element i (in C order) and scales it by 1/(1 - p) where word i of the Philox stream satisfies
        ``(word >> 8) * 2**-24 >= p``, else 0. The scale is rounded to the input's dtype first.
        """
        ...

    # ---- sums -----------------------------------------------------------------------------------------------------

    def sum(self, input: Array, dims: tuple[int, ...], keepdims: bool = False) -> Array:
        """The sum over ``dims``, different ones counted from the front, which disappear or with ``keepdims`` become 1.

        The error grows much slower than the number of elements. A sum of none is 0; over no dimensions it is a copy.
        """
        ...

    # ---- standardization: (P, C, Q), each c by itself, over P and Q --------------------------------------------------
    # The channels of (N, C, H, W) are (N, C, H·W), the rows of a matrix (1, R, C).

    def standardize(self, input: Array, eps: float, centred: bool) -> tuple[Array, Array, Array | None, Array]:
        """``x̂ = (x - μ)·r`` with ``r = (σ² + eps)^(-1/2)``: (P, C, Q) → x̂ (P, C, Q) and r, μ, σ², each (C).

        μ is the mean over P and Q and σ² the mean of ``(x - μ)²``. Without ``centred`` μ counts as 0, and None is
        returned for it. The mean of no elements is NaN.
        """
        ...

    def standardize_backward(self, grad_normalized: Array, normalized: Array, scale: Array, centred: bool) -> Array:
        """``r·(g - ⟨g⟩ - x̂·⟨g·x̂⟩)`` with the mean ⟨·⟩ over P and Q, without ⟨g⟩ if not ``centred``: → (P, C, Q)."""
        ...

    def affine(self, input: Array, weight: Array, bias: Array | None) -> Array:
        """``x·weight + bias``, with one of each for every c: (P, C, Q), (C), (C) → (P, C, Q)."""
        ...

    def affine_backward(self, grad_output: Array, input: Array, weight: Array) -> tuple[Array, Array, Array]:
        """``g·weight`` (P, C, Q), and the sums over P and Q of ``g·x`` and of ``g``, each (C)."""
        ...

    # ---- local response normalisation: (N, C, Q), across neighbouring channels ---------------------------------------

    def local_response_norm(self, input: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
        """``b[n, c] = k + alpha/size·Σ x[n, i]²`` over ``c - size//2 <= i <= c + (size - 1)//2``: → ``x·b^(-beta)``, b.

        Channels that don't exist count as zeros.
        """
        ...

    def local_response_norm_backward(
        self, grad_output: Array, input: Array, base: Array, size: int, alpha: float, beta: float
    ) -> Array:
        """``g·b^(-beta) - 2·alpha/size·beta·x·Σ g·x·b^(-beta - 1)``, over the channels in whose windows c is."""
        ...

    # ---- rows: (R, C), over the last dimension --------------------------------------------------------------------

    def softmax(self, input: Array) -> Array:
        """``exp(x - max) / sum(exp(x - max))`` over the last dimension of (R, C)."""
        ...

    def log_softmax(self, input: Array) -> Array:
        """``x - max - log(sum(exp(x - max)))`` over the last dimension of (R, C)."""
        ...

    def cross_entropy(self, input: Array, target: Array, ignore_index: int) -> tuple[Array, Array]:
        """Logits (N, C) and class indices (N,) int64 → losses (N,) and logsumexp (N,).

        ``loss[n] = logsumexp(input[n]) - input[n, target[n]]``, and 0 where ``target[n] == ignore_index``;
        ``logsumexp(x) = max + log(sum(exp(x - max)))``, so an infinite maximum gives NaN, as in ``log_softmax``.
        """
        ...

    def reduce_losses(self, losses: Array, target: Array, ignore_index: int, mean: bool) -> tuple[Array, Array]:
        """Losses (N,) and class indices (N,) → their sum over the divisor (), and the divisor ().

        The divisor is 1, or with ``mean`` the number of targets that aren't ``ignore_index``; 0 / 0 is NaN.
        """
        ...

    def cross_entropy_backward(
        self,
        grad_output: Array,
        input: Array,
        target: Array,
        logsumexp: Array,
        ignore_index: int,
        divisor: Array | None = None,
    ) -> Array:
        """``grad_output[n] * (exp(input[n] - logsumexp[n]) - onehot(target[n]))``, 0 where ignored: (N,) → (N, C).

        With a divisor () ``grad_output`` is () as well, the gradient of what :meth:`reduce_losses` gave: each loss has
        ``grad_output / divisor`` then.
        """
        ...

    # ---- indices --------------------------------------------------------------------------------------------------
    # These write into `output`. Of any dtype; every index lies in its dimension.

    def index_add(self, output: Array, index: Array, source: Array) -> None:
        """``output[o, index[k], i] += source[o, k, i]``, one k after the other.

        output (outer, size, inner), C-contiguous; index (K,) int64 or int32; source (outer, K, inner) of its dtype.
        """
        ...

    def index_put(self, output: Array, index: tuple[Any, ...], source: Array) -> None:
        """``output[index] = source``, where the last one stays if the index names a place more than once.

        ``index`` has slices and arrays of integers, which may count from the back; ``source`` broadcasts to
        ``output[index]``, else ValueError.
        """
        ...

    # ---- optimisers: one call updates every parameter in place ----------------------------------------------------
    # Each list holds one array a parameter, all C-contiguous and of that parameter's dtype and shape.

    def sgd_step(
        self,
        params: list[Array],
        grads: list[Array],
        momentum_buffers: list[Array] | None,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
        maximize: bool,
        first_step: bool,
    ) -> None:
        """Stochastic gradient descent as ``torch.optim.SGD``; updates params and momentum_buffers.

        g = grad (negated if maximize) + weight_decay*p; buf = g on the first step, else momentum*buf + (1-dampening)*g;
        g = g + momentum*buf if nesterov else buf; p -= lr*g. Without momentum, ``momentum_buffers`` is None.
        """
        ...

    def adam_step(
        self,
        params: list[Array],
        grads: list[Array],
        exp_avgs: list[Array],
        exp_avg_sqs: list[Array],
        max_exp_avg_sqs: list[Array] | None,
        step: int,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        decoupled: bool,
        maximize: bool,
    ) -> None:
        """Adam as ``torch.optim.Adam`` (or AdamW where ``decoupled``); updates params and the running averages.

        decoupled: p *= 1 - lr*weight_decay, else g += weight_decay*p. m = beta1*m + (1-beta1)*g;
        v = beta2*v + (1-beta2)*g²; p -= (lr / (1-beta1^step)) * m / (sqrt(v) / sqrt(1-beta2^step) + eps).
        With ``max_exp_avg_sqs`` (amsgrad) the running maximum of v takes v's place in the last line.
        ``step`` counts from 1.
        """
        ...

    def rmsprop_step(
        self,
        params: list[Array],
        grads: list[Array],
        square_avgs: list[Array],
        grad_avgs: list[Array] | None,
        momentum_buffers: list[Array] | None,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        maximize: bool,
    ) -> None:
        """RMSprop as ``torch.optim.RMSprop``; updates params and every state list.

        v = alpha*v + (1-alpha)*g²; with ``grad_avgs`` (centered) a = alpha*a + (1-alpha)*g and d = sqrt(v - a²) + eps,
        else d = sqrt(v) + eps; with ``momentum_buffers`` b = momentum*b + g/d and p -= lr*b, else p -= lr*g/d.
        """
        ...
