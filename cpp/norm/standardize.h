// Numbers of mean 0 and variance 1, and the gradient.
//
// A channel's elements are read three times: for the mean, for the squared distances from it, and to write. A channel
// of usual size stays in the cache meanwhile. Where the pieces of a channel are shorter than a vector, the vectors hold
// neighbouring channels instead.
//
// Sums are kept in vectors for a while, and then added to a float64: their error stays small however many they are.
#pragma once

#include <cmath>

#include "memory.h"
#include "norm/norm.h"
#include "norm/vectors.h"
#include "parallel.h"

namespace mt {
namespace {

constexpr std::ptrdiff_t together = 4;  // vectors with sums of their own, so that additions needn't wait for each other
constexpr std::ptrdiff_t run = 64;      // terms that a lane adds one after the other

template <class T>
MT_INLINE T square_root(T x) {
    if constexpr (sizeof(T) == 4) {
        return __builtin_sqrtf(x);
    } else {
        return __builtin_sqrt(x);
    }
}

// Calls body(position, lanes) for the vectors of a channel's elements, with the number of lanes that count.
template <class T, class Body>
MT_INLINE void for_each_vector(ChannelShape shape, std::ptrdiff_t channel, const Body& body) {
    for (std::ptrdiff_t p = 0; p < shape.outer; ++p) {
        const std::ptrdiff_t begin = (p * shape.channels + channel) * shape.inner;
        for (std::ptrdiff_t i = 0; i < shape.inner; i += Vec<T>::size) body(begin + i, shape.inner - i);
    }
}

// totals[k] = the sum over a channel's elements of what terms(position, lanes, k) gives.
template <class T, int sums, class Terms>
MT_INLINE void sum_channel(ChannelShape shape, std::ptrdiff_t channel, double (&totals)[sums], const Terms& terms) {
    using V = Vec<T>;
    constexpr std::ptrdiff_t piece = run * together * V::size;
    V partial[together][sums];
    const auto clear = [&] {
        for (auto& lane : partial) {
            for (V& sum : lane) sum = V::zero();
        }
    };
    const auto flush = [&] {
        for (int k = 0; k < sums; ++k) {
            totals[k] += reduce_add((partial[0][k] + partial[1][k]) + (partial[2][k] + partial[3][k]));
        }
        clear();
    };
    clear();
    for (double& total : totals) total = 0;
    std::ptrdiff_t kept = 0;
    for (std::ptrdiff_t p = 0; p < shape.outer; ++p) {
        const std::ptrdiff_t begin = (p * shape.channels + channel) * shape.inner;
        for (std::ptrdiff_t i = 0; i < shape.inner;) {
            const std::ptrdiff_t end = shape.inner - i < piece ? shape.inner : i + piece;
            kept += end - i;
            for (; i + together * V::size <= end; i += together * V::size) {
                for (std::ptrdiff_t v = 0; v < together; ++v) {
                    for (int k = 0; k < sums; ++k) {
                        partial[v][k] = partial[v][k] + terms(begin + i + v * V::size, V::size, k);
                    }
                }
            }
            for (; i < end; i += V::size) {
                for (int k = 0; k < sums; ++k) {
                    const V term = terms(begin + i, end - i, k);
                    partial[0][k] = partial[0][k] + (end - i < V::size ? first_lanes(term, end - i) : term);
                }
            }
            i = end;
            if (kept >= piece) {
                flush();
                kept = 0;
            }
        }
    }
    flush();
}

// totals[k][column] = the sum over the rows of a matrix (rows, columns) of what terms(position, column, lanes, k)
// gives.
template <class T, int sums, class Terms>
void sum_columns(std::ptrdiff_t rows, std::ptrdiff_t columns, double* totals, const Terms& terms) {
    using V = Vec<T>;
    const auto sum_run = [=](std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t begin, std::ptrdiff_t vectors) {
        V partial[together][sums];
        for (auto& lane : partial) {
            for (V& sum : lane) sum = V::zero();
        }
        for (std::ptrdiff_t r = first; r < last; ++r) {
            for (std::ptrdiff_t v = 0; v < vectors; ++v) {
                const std::ptrdiff_t column = begin + v * V::size;
                for (int k = 0; k < sums; ++k) {
                    partial[v][k] = partial[v][k] + terms(r * columns + column, column, columns - column, k);
                }
            }
        }
        for (std::ptrdiff_t v = 0; v < vectors; ++v) {
            for (int k = 0; k < sums; ++k) {
                T lanes[V::size];
                partial[v][k].store(lanes);
                double* const to = totals + k * columns + begin + v * V::size;
                const std::ptrdiff_t left = columns - begin - v * V::size;
                for (std::ptrdiff_t l = 0; l < (left < V::size ? left : V::size); ++l) to[l] += lanes[l];
            }
        }
    };
    for (std::ptrdiff_t i = 0; i < sums * columns; ++i) totals[i] = 0;
    const std::ptrdiff_t vectors = (columns + V::size - 1) / V::size, blocks = (vectors + together - 1) / together;
    parallel_for(blocks, static_cast<double>(rows * together * V::size), [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t b = begin; b < end; ++b) {
            const std::ptrdiff_t left = vectors - b * together;
            for (std::ptrdiff_t r = 0; r < rows; r += run) {
                sum_run(r, rows - r < run ? rows : r + run, b * together * V::size, left < together ? left : together);
            }
        }
    });
}

// Calls body(position, column, lanes) for the vectors of a matrix's rows.
template <class T, class Body>
void for_each_in_rows(std::ptrdiff_t rows, std::ptrdiff_t columns, const Body& body) {
    parallel_for(rows, static_cast<double>(columns), [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t r = begin; r < end; ++r) {
            for (std::ptrdiff_t c = 0; c < columns; c += Vec<T>::size) body(r * columns + c, c, columns - c);
        }
    });
}

// Each channel's mean, in all of its columns, of which sum_columns found the totals.
template <class T>
void average_columns(ChannelShape shape, const double* totals, T* averages) {
    const double count = static_cast<double>(shape.outer * shape.inner);
    for (std::ptrdiff_t c = 0; c < shape.channels; ++c, totals += shape.inner, averages += shape.inner) {
        double total = 0;
        for (std::ptrdiff_t i = 0; i < shape.inner; ++i) total += totals[i];
        for (std::ptrdiff_t i = 0; i < shape.inner; ++i) averages[i] = static_cast<T>(total / count);
    }
}

template <class T>
bool is_narrow(ChannelShape shape) {
    return 0 < shape.inner && shape.inner < Vec<T>::size && shape.outer > 1;
}

template <class T>
void standardize_narrow(ChannelShape shape, const T* input, T eps, T* normalized, Statistics<T> statistics) {
    using V = Vec<T>;
    const std::ptrdiff_t rows = shape.outer, columns = shape.channels * shape.inner;
    const Scratch scratch(columns * (sizeof(double) + 2 * sizeof(T)));
    auto* const totals = static_cast<double*>(scratch.data());
    T *const means = reinterpret_cast<T*>(totals + columns), *const variances = means + columns;
    for (std::ptrdiff_t c = 0; c < columns; ++c) means[c] = 0;
    if (statistics.means) {
        sum_columns<T, 1>(rows, columns, totals, [=](std::ptrdiff_t at, std::ptrdiff_t, std::ptrdiff_t lanes, int) {
            return load_first(input + at, lanes);
        });
        average_columns(shape, totals, means);
    }
    sum_columns<T, 1>(rows, columns, totals, [=](std::ptrdiff_t at, std::ptrdiff_t c, std::ptrdiff_t lanes, int) {
        const V distance = load_first(input + at, lanes) - load_first(means + c, lanes);
        return distance * distance;
    });
    average_columns(shape, totals, variances);
    for (std::ptrdiff_t c = 0; c < shape.channels; ++c) {
        statistics.scales[c] = 1 / square_root(variances[c * shape.inner] + eps);
        statistics.variances[c] = variances[c * shape.inner];
        if (statistics.means) statistics.means[c] = means[c * shape.inner];
    }
    T* const scales = variances;
    for (std::ptrdiff_t c = 0; c < columns; ++c) scales[c] = statistics.scales[c / shape.inner];
    for_each_in_rows<T>(rows, columns, [=](std::ptrdiff_t at, std::ptrdiff_t c, std::ptrdiff_t lanes) {
        const V distance = load_first(input + at, lanes) - load_first(means + c, lanes);
        store_first(distance * load_first(scales + c, lanes), normalized + at, lanes);
    });
}

template <class T>
void standardize(ChannelShape shape, const T* input, T eps, T* normalized, Statistics<T> statistics) {
    using V = Vec<T>;
    if (is_narrow<T>(shape)) return standardize_narrow(shape, input, eps, normalized, statistics);
    const double count = static_cast<double>(shape.outer * shape.inner);
    parallel_for(shape.channels, 50 + 3 * count, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = begin; c < end; ++c) {
            double total[1];
            T mean = 0;
            if (statistics.means) {
                sum_channel<T>(shape, c, total, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, int) {
                    return load_first(input + at, lanes);
                });
                mean = static_cast<T>(total[0] / count);
                statistics.means[c] = mean;
            }
            sum_channel<T>(shape, c, total, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, int) {
                const V distance = load_first(input + at, lanes) - V::set1(mean);
                return distance * distance;
            });
            const T variance = static_cast<T>(total[0] / count), scale = 1 / square_root(variance + eps);
            statistics.variances[c] = variance;
            statistics.scales[c] = scale;
            for_each_vector<T>(shape, c, [=](std::ptrdiff_t at, std::ptrdiff_t lanes) {
                const V distance = load_first(input + at, lanes) - V::set1(mean);
                store_first(distance * V::set1(scale), normalized + at, lanes);
            });
        }
    });
}

// scale·(g - ⟨g⟩ - x̂·⟨g·x̂⟩)
template <class V>
MT_INLINE V input_gradient(V grad, V normalized, V mean_grad, V mean_product, V scale) {
    return (grad - mean_grad - normalized * mean_product) * scale;
}

template <class T>
void standardize_backward_narrow(ChannelShape shape, const T* grad_normalized, const T* normalized, const T* scales,
                                 bool centred, T* grad_input) {
    using V = Vec<T>;
    const std::ptrdiff_t rows = shape.outer, columns = shape.channels * shape.inner;
    const Scratch scratch(columns * (2 * sizeof(double) + 3 * sizeof(T)));
    auto* const totals = static_cast<double*>(scratch.data());
    T* const grads = reinterpret_cast<T*>(totals + 2 * columns);
    T *const products = grads + columns, *const scale = products + columns;
    sum_columns<T, 2>(rows, columns, totals, [=](std::ptrdiff_t at, std::ptrdiff_t, std::ptrdiff_t lanes, int k) {
        const V grad = load_first(grad_normalized + at, lanes);
        return k == 0 ? grad : grad * load_first(normalized + at, lanes);
    });
    average_columns(shape, totals, grads);
    average_columns(shape, totals + columns, products);
    for (std::ptrdiff_t c = 0; c < columns; ++c) {
        if (!centred) grads[c] = 0;
        scale[c] = scales[c / shape.inner];
    }
    for_each_in_rows<T>(rows, columns, [=](std::ptrdiff_t at, std::ptrdiff_t c, std::ptrdiff_t lanes) {
        const V grad = load_first(grad_normalized + at, lanes), x = load_first(normalized + at, lanes);
        const V mean_grad = load_first(grads + c, lanes), mean_product = load_first(products + c, lanes);
        const V result = input_gradient(grad, x, mean_grad, mean_product, load_first(scale + c, lanes));
        store_first(result, grad_input + at, lanes);
    });
}

template <class T>
void standardize_backward(ChannelShape shape, const T* grad_normalized, const T* normalized, const T* scales,
                          bool centred, T* grad_input) {
    using V = Vec<T>;
    if (is_narrow<T>(shape)) {
        return standardize_backward_narrow(shape, grad_normalized, normalized, scales, centred, grad_input);
    }
    const double count = static_cast<double>(shape.outer * shape.inner);
    parallel_for(shape.channels, 50 + 3 * count, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = begin; c < end; ++c) {
            double totals[2];
            sum_channel<T>(shape, c, totals, [=](std::ptrdiff_t at, std::ptrdiff_t lanes, int k) {
                const V grad = load_first(grad_normalized + at, lanes);
                return k == 0 ? grad : grad * load_first(normalized + at, lanes);
            });
            const V mean_grad = V::set1(centred ? static_cast<T>(totals[0] / count) : T(0));
            const V mean_product = V::set1(static_cast<T>(totals[1] / count)), scale = V::set1(scales[c]);
            for_each_vector<T>(shape, c, [=](std::ptrdiff_t at, std::ptrdiff_t lanes) {
                const V grad = load_first(grad_normalized + at, lanes), x = load_first(normalized + at, lanes);
                store_first(input_gradient(grad, x, mean_grad, mean_product, scale), grad_input + at, lanes);
            });
        }
    });
}

}  // namespace
}  // namespace mt
