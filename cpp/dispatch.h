// Chooses the kernels for the machine the program runs on.
#pragma once

#include "conv/conv.h"
#include "elementwise/elementwise.h"
#include "gemm/gemm.h"
#include "loss/loss.h"
#include "norm/norm.h"
#include "optim/optim.h"
#include "pool/pool.h"

namespace mt {

// The tables of one instruction set. A new family adds a field here and in dispatch.cpp's MT_KERNELS.
struct Kernels {
    const char* isa;
    const ConvTable* conv;
    const ElementwiseTable* elementwise;
    const GemmTable* gemm;
    const LossTable* loss;
    const NormTable* norm;
    const OptimTable* optim;
    const PoolTable* pool;
};

// The best instruction set this machine has, or the one that the environment variable MINITORCH_ISA names. Chosen on
// the first call; throws std::runtime_error if MINITORCH_ISA names one that is unknown or that the machine lacks.
const Kernels& kernels();

}  // namespace mt
