"""Every name that Minitorch promises, by family, and where it stands: m minitorch, t Tensor, f nn.functional.

``test_public_names.py`` compares it with what is there, and with PyTorch's names and signatures.
"""

FAMILIES = {
    "creation": """
        tensor:m as_tensor:m from_numpy:m zeros:m ones:m full:m empty:m arange:m linspace:m eye:m zeros_like:m
        ones_like:m full_like:m empty_like:m rand_like:m randn_like:m randint_like:m new_zeros:t new_ones:t
        new_full:t new_empty:t new_tensor:t rand:m randn:m randint:m randperm:m bernoulli:mt normal:m
        manual_seed:m Generator:m
    """,
    "pointwise": """
        add:mt sub:mt mul:mt div:mt floor_divide:mt remainder:mt pow:mt neg:mt abs:mt exp:mt exp2:mt expm1:mt
        log:mt log1p:mt log2:mt log10:mt sqrt:mt rsqrt:mt square:mt reciprocal:mt sin:mt cos:mt tan:mt asin:mt
        acos:mt atan:mt atan2:mt sinh:mt cosh:mt tanh:mtf sigmoid:mtf erf:mt sign:mt floor:mt ceil:mt round:mt
        trunc:mt clamp:mt maximum:mt minimum:mt where:mt lerp:mt logaddexp:mt masked_fill:mt nan_to_num:mt
        isnan:mt isinf:mt isfinite:mt isclose:mt allclose:mt equal:mt eq:mt ne:mt lt:mt le:mt gt:mt ge:mt
        logical_and:mt logical_or:mt logical_xor:mt logical_not:mt bitwise_and:mt bitwise_or:mt bitwise_xor:mt
        bitwise_not:mt bitwise_left_shift:mt bitwise_right_shift:mt
    """,
    "aliases": """
        absolute:mt subtract:mt multiply:mt divide:mt true_divide:mt negative:mt fix:mt clip:mt clamp_min:mt
        clamp_max:mt arcsin:mt arccos:mt arctan:mt arctan2:mt greater:mt greater_equal:mt less:mt less_equal:mt
        not_equal:mt concat:m concatenate:m moveaxis:mt swapaxes:mt swapdims:mt
    """,
    "activations": """
        relu:mtf relu6:f leaky_relu:f prelu:mtf elu:f selu:f gelu:f silu:f mish:f softplus:f softsign:f
        hardtanh:f hardsigmoid:f hardswish:f logsigmoid:f softmax:mtf softmin:f log_softmax:mtf glu:f threshold:f
    """,
    "reductions and order": """
        sum:mt mean:mt prod:mt max:mt min:mt amax:mt amin:mt argmax:mt argmin:mt var:mt std:mt norm:mt
        logsumexp:mt all:mt any:mt cumsum:mt cumprod:mt count_nonzero:mt median:mt sort:mt argsort:mt topk:mt
        unique:mt bincount:mt
    """,
    "shape and index": """
        reshape:mt view:t flatten:mt unflatten:mt squeeze:mt unsqueeze:mt transpose:mt t:mt T:t mT:t permute:mt
        movedim:mt expand:t broadcast_to:mt repeat:t tile:mt cat:m stack:m split:mt chunk:mt unbind:mt flip:mt
        roll:mt narrow:mt select:mt index_select:mt gather:mt scatter:mt scatter_add:mt take_along_dim:mt
        masked_select:mt nonzero:mt diagonal:mt diag:mt tril:mt triu:mt outer:mt meshgrid:m pad:f unfold:f
        fold:f one_hot:f embedding:f __getitem__:t __setitem__:t
    """,
    "linear algebra": """
        matmul:mt mm:mt bmm:mt mv:mt dot:mt einsum:m tensordot:m addmm:mt baddbmm:mt linear:f trace:mt
    """,
    "convolution and pooling": """
        conv1d:mf conv2d:mf conv_transpose1d:mf conv_transpose2d:mf max_pool1d:f max_pool2d:f max_unpool1d:f
        max_unpool2d:f avg_pool1d:mf avg_pool2d:f adaptive_avg_pool1d:mf adaptive_avg_pool2d:f
        adaptive_max_pool1d:f adaptive_max_pool2d:f lp_pool2d:f interpolate:f pixel_shuffle:mf pixel_unshuffle:mf
    """,
    "normalisation and noise": """
        batch_norm:f layer_norm:f group_norm:f instance_norm:f local_response_norm:f rms_norm:f normalize:f
        dropout:f dropout1d:f dropout2d:f alpha_dropout:f
    """,
    "losses": """
        cross_entropy:f nll_loss:f mse_loss:f l1_loss:f smooth_l1_loss:f huber_loss:f binary_cross_entropy:f
        binary_cross_entropy_with_logits:f kl_div:f cosine_similarity:mf cosine_embedding_loss:f
        margin_ranking_loss:f hinge_embedding_loss:f triplet_margin_loss:f gaussian_nll_loss:f poisson_nll_loss:f
    """,
}

MODULES = """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d AlphaDropout AvgPool1d AvgPool2d BCELoss
    BCEWithLogitsLoss BatchNorm1d BatchNorm2d CircularPad1d CircularPad2d ConstantPad1d ConstantPad2d Conv1d Conv2d
    ConvTranspose1d ConvTranspose2d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss Dropout Dropout1d Dropout2d
    ELU Embedding Flatten Fold GELU GLU GaussianNLLLoss GroupNorm Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss
    HuberLoss Identity InstanceNorm1d InstanceNorm2d KLDivLoss L1Loss LPPool2d LayerNorm LeakyReLU Linear
    LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d MaxPool2d MaxUnpool1d MaxUnpool2d Mish
    Module ModuleDict ModuleList NLLLoss PReLU ParameterList PixelShuffle PixelUnshuffle PoissonNLLLoss RMSNorm ReLU
    ReLU6 ReflectionPad1d ReflectionPad2d ReplicationPad1d ReplicationPad2d SELU Sequential SiLU Sigmoid SmoothL1Loss
    Softmax Softmin Softplus Softsign Tanh Threshold TripletMarginLoss Unflatten Unfold Upsample ZeroPad1d ZeroPad2d
"""

# Other places: the names of each, and the same place in PyTorch.
PLACES = {
    "nn": MODULES,
    "nn.init": """
        calculate_gain constant_ dirac_ eye_ kaiming_normal_ kaiming_uniform_ normal_ ones_ orthogonal_ sparse_
        trunc_normal_ uniform_ xavier_normal_ xavier_uniform_ zeros_
    """,
    "nn.utils": "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters",
    "optim": "SGD Adam AdamW RMSprop Adagrad Adadelta NAdam LBFGS",
    "optim.lr_scheduler": """
        StepLR CosineAnnealingLR MultiStepLR ExponentialLR LinearLR OneCycleLR ReduceLROnPlateau SequentialLR LambdaLR
    """,
    "distributed": """
        ReduceOp Work all_gather all_reduce barrier broadcast destroy_process_group get_node_local_rank get_rank
        get_world_size init_process_group is_available is_initialized
    """,
    "autograd": "backward grad gradcheck gradgradcheck no_grad enable_grad set_grad_enabled Function",
    "autograd.functional": "jacobian hessian vjp jvp hvp",
}
