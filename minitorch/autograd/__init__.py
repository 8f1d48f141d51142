"""Automatic differentiation: the graph, the engine that walks it, and whether operations are recorded."""

from . import functional
from .engine import backward, grad, queue_callback
from .function import Function, once_differentiable
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import gradcheck, gradgradcheck
from .gradcheck_diagnosis import GradcheckError
from .variable import Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_grad_enabled",
    "no_grad",
    "once_differentiable",
    "queue_callback",
    "set_grad_enabled",
]
