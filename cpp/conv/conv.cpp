#include "conv/conv.h"

#include <cstring>

#include "conv/correlate.h"
#include "conv/nonfinite.h"
#include "conv/weight_gradient.h"
#include "conv/winograd.h"
#include "conv/winograd_gradient.h"

namespace mt {
namespace {

Axis forward_rows(const ConvGeometry& g) {
    return forward_axis(g.height, g.kernel_height, g.out_height, g.stride[0], g.padding[0], g.dilation[0]);
}

Axis forward_columns(const ConvGeometry& g) {
    return forward_axis(g.width, g.kernel_width, g.out_width, g.stride[1], g.padding[1], g.dilation[1]);
}

// Computes all of `out` that the axes reach.
template <class T>
void correlate(const Correlation<T>& work, bool winograd) {
    if (work.images * work.groups * work.outputs * work.rows.outputs * work.columns.outputs == 0) return;
    if (winograd && correlate_winograd(work)) return;
    Correlator<T>(work).run();
}

template <class T>
void forward(const ConvGeometry& g, const T* input, const T* weight, const T* bias, T* output) {
    Correlation<T> work(forward_rows(g), forward_columns(g));
    work.images = g.images;
    work.groups = g.groups;
    work.channels = g.channels / g.groups;
    work.outputs = g.outputs / g.groups;
    work.source = input;
    work.weight = weight;
    work.weight_channel = g.kernel_height * g.kernel_width;
    work.weight_output = work.channels * work.weight_channel;
    work.weight_group = work.outputs * work.weight_output;
    work.weight_row = g.kernel_width;
    work.bias = bias;
    work.out = output;
    work.out_column = 1;
    work.out_row = g.out_width;
    work.out_channel = g.out_height * g.out_width;
    work.out_image = g.outputs * work.out_channel;
    correlate(work, g.winograd);
}

// The input gradient at the positions (y, x) modulo the stride: a convolution of grad_output, with stride one, with the
// rotated and transposed weight, or with those of its elements that reach these positions.
template <class T>
void backward_input_phase(const ConvGeometry& g, Index y, Index x, const T* grad_output, const T* weight,
                          T* grad_input) {
    Correlation<T> work(
        backward_axis(g.height, g.kernel_height, g.out_height, g.stride[0], g.padding[0], g.dilation[0], y),
        backward_axis(g.width, g.kernel_width, g.out_width, g.stride[1], g.padding[1], g.dilation[1], x));
    work.images = g.images;
    work.groups = g.groups;
    work.channels = g.outputs / g.groups;
    work.outputs = g.channels / g.groups;
    work.source = grad_output;
    work.weight = weight;
    work.weight_row = g.kernel_width;
    work.weight_output = g.kernel_height * g.kernel_width;
    work.weight_channel = work.outputs * work.weight_output;
    work.weight_group = work.channels * work.weight_channel;
    work.bias = nullptr;
    work.out = grad_input + y * g.width + x;
    work.out_column = g.stride[1];
    work.out_row = g.width * g.stride[0];
    work.out_channel = g.height * g.width;
    work.out_image = g.channels * work.out_channel;
    correlate(work, g.winograd);
}

template <class T>
void backward_input_finite(const ConvGeometry& g, const T* grad_output, const T* weight, T* grad_input) {
    for (Index y = 0; y < smaller(g.stride[0], g.height); ++y) {
        for (Index x = 0; x < smaller(g.stride[1], g.width); ++x) {
            backward_input_phase(g, y, x, grad_output, weight, grad_input);
        }
    }
}

template <class T>
void backward_input(const ConvGeometry& g, const T* grad_output, const T* weight, T* grad_input) {
    if (g.kernel_height == g.height && g.kernel_width == g.width && g.padding[0] == 0 && g.padding[1] == 0 &&
        g.height * g.width > 1) {
        // A matrix product: each element of the input might as well be a channel, and none meets the zeros around
        // the single pixel of grad_output.
        ConvGeometry product = g;
        product.channels *= g.height * g.width;
        product.height = product.width = product.kernel_height = product.kernel_width = 1;
        return backward_input(product, grad_output, weight, grad_input);
    }
    const Index size = g.outputs * (g.channels / g.groups) * g.kernel_height * g.kernel_width;
    if (all_finite(weight, size)) return backward_input_finite(g, grad_output, weight, grad_input);
    const Scratch memory(sizeof(T) * size);
    T* finite = static_cast<T*>(memory.data());
    copy_finite(weight, size, finite);
    backward_input_finite<T>(g, grad_output, finite, grad_input);
    add_nonfinite(g, grad_output, weight, grad_input);
}

template <class T>
void weight_gradient(const WeightGradient<T>& work, bool winograd) {
    const Index size = work.groups * work.outputs * work.depth();
    if (size == 0) return;
    if (work.images * work.rows.outputs * work.columns.outputs == 0) {
        std::memset(work.grad_weight, 0, sizeof(T) * size);
        return;
    }
    if (winograd && weight_gradient_winograd(work)) return;
    WeightGradientComputer<T>(work).run();
}

template <class T>
void backward_weight(const ConvGeometry& g, const T* input, const T* grad_output, T* grad_weight) {
    WeightGradient<T> work(forward_rows(g), forward_columns(g));
    work.images = g.images;
    work.groups = g.groups;
    work.channels = g.channels / g.groups;
    work.outputs = g.outputs / g.groups;
    work.input = input;
    work.grad_output = grad_output;
    work.grad_weight = grad_weight;
    weight_gradient(work, g.winograd);
}

template <class T>
constexpr ConvKernels<T> conv_kernels{forward<T>, backward_input<T>, backward_weight<T>};

}  // namespace

const ConvTable MT_TABLE(conv) = {conv_kernels<float>, conv_kernels<double>};

}  // namespace mt
