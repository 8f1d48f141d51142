#include "loss/loss.h"

#include <limits>

#include "loss/exp.h"
#include "parallel.h"

namespace mt {
namespace {

inline float log(float x) { return __builtin_logf(x); }
inline double log(double x) { return __builtin_log(x); }

// 0, 1, 2 ...: the number of each lane.
template <class T>
MT_INLINE Vec<T> lane_numbers() {
    static constexpr T numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return Vec<T>::load(numbers);
}

// Calls body(x, i, count) for the vectors of a row: x[i] ... x[i + count - 1]. Lanes that are left over are -inf, which
// changes neither a maximum nor a sum of exponentials.
template <class T, class Body>
MT_INLINE void for_each_vector(const T* row, std::ptrdiff_t n, const Body& body) {
    using V = Vec<T>;
    std::ptrdiff_t i = 0;
    for (; i + V::size <= n; i += V::size) body(V::load(row + i), i, V::size);
    if (i < n) {
        const int rest = static_cast<int>(n - i);
        const auto used = gt(V::set1(static_cast<T>(rest)), lane_numbers<T>());
        body(select(used, V::load_partial(row + i, rest), V::set1(-std::numeric_limits<T>::infinity())), i, rest);
    }
}

template <class T>
MT_INLINE void store(Vec<T> x, T* to, int count) {
    if (count == Vec<T>::size) {
        x.store(to);
    } else {
        x.store_partial(to, count);
    }
}

template <class T>
MT_INLINE T row_max(const T* row, std::ptrdiff_t n) {
    Vec<T> largest = Vec<T>::set1(-std::numeric_limits<T>::infinity());
    for_each_vector(row, n, [&](Vec<T> x, std::ptrdiff_t, int) { largest = max(largest, x); });
    return reduce_max(largest);
}

// The sum of exp(x - largest) over a row; keep(exponentials, i, count) gets the terms.
template <class T, class Keep>
MT_INLINE T sum_exp(const T* row, std::ptrdiff_t n, T largest, const Keep& keep) {
    Vec<T> sum = Vec<T>::zero();
    for_each_vector(row, n, [&](Vec<T> x, std::ptrdiff_t i, int count) {
        const Vec<T> e = exp(x - Vec<T>::set1(largest));
        sum = sum + e;
        keep(e, i, count);
    });
    return reduce_add(sum);
}

template <class T>
MT_INLINE T log_sum_exp(const T* row, std::ptrdiff_t n, T largest) {
    return log(sum_exp(row, n, largest, [](Vec<T>, std::ptrdiff_t, int) {}));
}

// Calls body(row number) for every row.
template <class Body>
void for_each_row(RowShape shape, const Body& body) {
    const double work = 150 + 4.0 * shape.columns;  // the reductions over a vector's lanes take longest in short rows
    parallel_for(shape.rows, work, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t r = begin; r < end; ++r) body(r);
    });
}

template <class T>
void softmax(RowShape shape, const T* input, T* output) {
    using V = Vec<T>;
    const std::ptrdiff_t n = shape.columns;
    for_each_row(shape, [=](std::ptrdiff_t r) {
        const T* from = input + r * n;
        T* to = output + r * n;
        const auto keep = [=](V e, std::ptrdiff_t i, int count) { store(e, to + i, count); };
        const V sum = V::set1(sum_exp(from, n, row_max(from, n), keep));
        for_each_vector(to, n, [=](V e, std::ptrdiff_t i, int count) { store(e / sum, to + i, count); });
    });
}

template <class T>
void log_softmax(RowShape shape, const T* input, T* output) {
    using V = Vec<T>;
    const std::ptrdiff_t n = shape.columns;
    for_each_row(shape, [=](std::ptrdiff_t r) {
        const T* from = input + r * n;
        T* to = output + r * n;
        const T largest = row_max(from, n), log_sum = log_sum_exp(from, n, largest);
        for_each_vector(from, n, [=](V x, std::ptrdiff_t i, int count) {
            store(x - V::set1(largest) - V::set1(log_sum), to + i, count);
        });
    });
}

template <class T>
void cross_entropy(RowShape shape, const T* input, Labels labels, T* losses, T* logsumexp) {
    for_each_row(shape, [=](std::ptrdiff_t r) {
        const T* row = input + r * shape.columns;
        const std::int64_t target = labels.targets[r];
        const T largest = row_max(row, shape.columns), log_sum = log_sum_exp(row, shape.columns, largest);
        logsumexp[r] = largest + log_sum;
        // Not logsumexp - x: where the logits are large, that would lose the digits of a small loss.
        losses[r] = target == labels.ignore_index ? T(0) : log_sum - (row[target] - largest);
    });
}

template <class T>
void cross_entropy_backward(RowShape shape, const T* grad_output, const T* input, Labels labels, const T* logsumexp,
                            T* grad_input) {
    using V = Vec<T>;
    const std::ptrdiff_t n = shape.columns;
    for_each_row(shape, [=](std::ptrdiff_t r) {
        const std::int64_t target = labels.targets[r];
        const V scale = V::set1(grad_output[r]), shift = V::set1(logsumexp[r]);
        T* to = grad_input + r * n;
        if (target == labels.ignore_index) {
            for (std::ptrdiff_t i = 0; i < n; ++i) to[i] = 0;
            return;
        }
        for_each_vector(input + r * n, n, [=](V x, std::ptrdiff_t i, int count) {
            const V e = exp(x - shift);
            const auto is_target = eq(lane_numbers<T>(), V::set1(static_cast<T>(target - i)));
            store(scale * select(is_target, e - V::set1(1), e), to + i, count);
        });
    });
}

template <class T>
constexpr LossKernels<T> loss_kernels{softmax<T>, log_softmax<T>, cross_entropy<T>, cross_entropy_backward<T>};

}  // namespace

const LossTable MT_TABLE(loss) = {loss_kernels<float>, loss_kernels<double>};

}  // namespace mt
