// Softmax, log-softmax and cross-entropy of the rows of a matrix (R, C).
//
// A row is read by a warp, which keeps it in registers, `per_lane` elements a lane; or, where it is longer than that
// holds, by a whole block, which reads it from memory (or the cache) as often as it needs it: per_lane = 0. Kernels are
// written once for both, on Row<T, per_lane>.
//
// The maximum of a row is subtracted before exp, so that it can't overflow. It doesn't matter that the maximum may pass
// over a NaN: x - max is NaN for that element, and so is the sum. An infinite maximum gives inf - inf = NaN.

//! instances: softmax<float,1> softmax<float,8> softmax<float,32> softmax<float,0>
//! instances: softmax<double,1> softmax<double,8> softmax<double,32> softmax<double,0>
//! instances: log_softmax<float,1> log_softmax<float,8> log_softmax<float,32> log_softmax<float,0>
//! instances: log_softmax<double,1> log_softmax<double,8> log_softmax<double,32> log_softmax<double,0>
//! instances: cross_entropy<float,1> cross_entropy<float,8> cross_entropy<float,32> cross_entropy<float,0>
//! instances: cross_entropy<double,1> cross_entropy<double,8> cross_entropy<double,32> cross_entropy<double,0>
//! instances: reduce_losses<float> reduce_losses<double> cross_entropy_backward<float> cross_entropy_backward<double>

constexpr int row_threads = 256;  // in a block of the kernels on Row

__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }
__device__ __forceinline__ float logarithm(float x) { return logf(x); }
__device__ __forceinline__ double logarithm(double x) { return log(x); }

struct Sum {
    template <class T>
    static __device__ __forceinline__ T of(T a, T b) {
        return a + b;
    }
};

struct Maximum {
    template <class T>
    static __device__ __forceinline__ T of(T a, T b) {
        return a > b ? a : b;
    }
};

// What Operation makes of the values of a warp's lanes. Lanes meet in pairs, then pairs of pairs ...: all get the same.
template <class Operation, class T>
__device__ __forceinline__ T reduce_warp(T value) {
#pragma unroll
    for (int apart = 16; apart > 0; apart /= 2) {
        value = Operation::of(value, __shfl_xor_sync(whole_warp, value, apart));
    }
    return value;
}

// The same for the threads of a block.
template <class Operation, class T>
__device__ __forceinline__ T reduce_block(T value) {
    __shared__ T of_warp[row_threads / 32];
    value = reduce_warp<Operation>(value);
    __syncthreads();  // the last reduction's values have been read
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    value = of_warp[0];
#pragma unroll
    for (int w = 1; w < row_threads / 32; ++w) value = Operation::of(value, of_warp[w]);
    return value;
}

// A row of up to 32 * per_lane elements. Lane l has the elements l, l + 32, l + 64, ...
template <class T, int per_lane>
struct Row {
    static __device__ __forceinline__ i64 number() { return blockIdx.x * i64(row_threads / 32) + threadIdx.x / 32; }
    static __device__ __forceinline__ bool first_thread() { return threadIdx.x % 32 == 0; }

    __device__ __forceinline__ Row(const T* row, i64 columns) : columns_(int(columns)) {
#pragma unroll
        for (int k = 0; k < per_lane; ++k) {
            const int c = column(k);
            elements_[k] = c < columns_ ? row[c] : -Limits<T>::infinity();
        }
    }

    // Calls body(column, element) for this lane's elements.
    template <class Body>
    __device__ __forceinline__ void for_each(const Body& body) const {
#pragma unroll
        for (int k = 0; k < per_lane; ++k) {
            if (column(k) < columns_) body(column(k), elements_[k]);
        }
    }

    template <class Operation>
    static __device__ __forceinline__ T reduce(T value) {
        return reduce_warp<Operation>(value);
    }

  private:
    static __device__ __forceinline__ int column(int k) { return int(threadIdx.x % 32) + 32 * k; }

    T elements_[per_lane];
    int columns_;
};

// A row of any length. Thread t has the elements t, t + 256, ...
template <class T>
struct Row<T, 0> {
    static __device__ __forceinline__ i64 number() { return blockIdx.x; }
    static __device__ __forceinline__ bool first_thread() { return threadIdx.x == 0; }

    __device__ __forceinline__ Row(const T* row, i64 columns) : row_(row), columns_(columns) {}

    template <class Body>
    __device__ __forceinline__ void for_each(const Body& body) const {
        for (i64 c = threadIdx.x; c < columns_; c += row_threads) body(c, row_[c]);
    }

    template <class Operation>
    static __device__ __forceinline__ T reduce(T value) {
        return reduce_block<Operation>(value);
    }

  private:
    const T* row_;
    i64 columns_;
};

// The largest element of a row; -inf of an empty one.
template <class T, int per_lane>
__device__ __forceinline__ T row_maximum(const Row<T, per_lane>& row) {
    T largest = -Limits<T>::infinity();
    row.for_each([&](i64, T x) { largest = Maximum::of(largest, x); });
    return row.template reduce<Maximum>(largest);
}

// The sum of exp(x - largest) over a row.
template <class T, int per_lane>
__device__ __forceinline__ T sum_of_exponentials(const Row<T, per_lane>& row, T largest) {
    T sum = 0;
    row.for_each([&](i64, T x) { sum += exponential(x - largest); });
    return row.template reduce<Sum>(sum);
}

// output = exp(input - max) / sum(exp(input - max)) of each row, both (R, C).
template <class T, int per_lane>
__global__ void __launch_bounds__(row_threads)
    softmax(const T* __restrict__ input, T* __restrict__ output, i64 rows, i64 columns) {
    const i64 r = Row<T, per_lane>::number();
    if (r >= rows) return;
    const Row<T, per_lane> row(input + r * columns, columns);
    T* const to = output + r * columns;
    const T largest = row_maximum(row), sum = sum_of_exponentials(row, largest);
    row.for_each([&](i64 c, T x) { to[c] = exponential(x - largest) / sum; });
}

// output = input - max - log(sum(exp(input - max))) of each row, both (R, C).
template <class T, int per_lane>
__global__ void __launch_bounds__(row_threads)
    log_softmax(const T* __restrict__ input, T* __restrict__ output, i64 rows, i64 columns) {
    const i64 r = Row<T, per_lane>::number();
    if (r >= rows) return;
    const Row<T, per_lane> row(input + r * columns, columns);
    T* const to = output + r * columns;
    const T largest = row_maximum(row), log_sum = logarithm(sum_of_exponentials(row, largest));
    row.for_each([&](i64 c, T x) { to[c] = x - largest - log_sum; });
}

// input (R, C), target (R) -> losses and logsumexp (R): losses = logsumexp - input[target], 0 where the target is
// ignored. A label that is no class, which nothing should let through, gives NaN.
template <class T, int per_lane>
__global__ void __launch_bounds__(row_threads)
    cross_entropy(const T* __restrict__ input, const i64* __restrict__ target, i64 ignore_index, T* __restrict__ losses,
                  T* __restrict__ logsumexp, i64 rows, i64 columns) {
    const i64 r = Row<T, per_lane>::number();
    if (r >= rows) return;
    const Row<T, per_lane> row(input + r * columns, columns);
    const T largest = row_maximum(row), log_sum = logarithm(sum_of_exponentials(row, largest));
    if (!row.first_thread()) return;
    const i64 label = target[r];
    logsumexp[r] = largest + log_sum;
    if (label == ignore_index) {
        losses[r] = 0;
    } else if (0 <= label && label < columns) {
        losses[r] = log_sum - (input[r * columns + label] - largest);
    } else {
        losses[r] = Limits<T>::infinity() - Limits<T>::infinity();
    }
}

// losses and target (R) -> loss = sum(losses) / divisor and divisor, which is 1, or with `mean` how many rows aren't
// ignored. It is one block, since losses are few; float is summed in double, which makes many of them precise as well.
template <class T>
__global__ void __launch_bounds__(row_threads)
    reduce_losses(const T* __restrict__ losses, const i64* __restrict__ target, i64 ignore_index, bool mean,
                  T* __restrict__ loss, T* __restrict__ divisor, i64 rows) {
    double sum = 0, count = 0;
    for (i64 r = threadIdx.x; r < rows; r += row_threads) {
        sum += losses[r];
        count += target[r] != ignore_index;
    }
    sum = reduce_block<Sum>(sum);
    count = mean ? reduce_block<Sum>(count) : 1;
    if (threadIdx.x == 0) {
        *loss = T(sum / count);
        *divisor = T(count);
    }
}

// grad_input = grad_output * (exp(input - logsumexp) - onehot(target)), 0 where the target is ignored: (R) -> (R, C).
// With a divisor there is one gradient for all rows, grad_output[0] / divisor. The threads of a block are (x, y), y the
// row and x the column, both taken in steps: short rows leave no thread without work. (Without the 1,
// NVRTC spills the doubles of sm_120 in order to use fewer registers.)
template <class T>
__global__ void __launch_bounds__(row_threads, 1)
    cross_entropy_backward(const T* __restrict__ grad_output, const T* __restrict__ input,
                           const i64* __restrict__ target, const T* __restrict__ logsumexp, i64 ignore_index,
                           const T* __restrict__ divisor, T* __restrict__ grad_input, i64 rows, i64 columns) {
    const i64 r = blockIdx.x * i64(blockDim.y) + threadIdx.y;
    if (r >= rows) return;
    const i64 label = target[r];
    const T grad = divisor == nullptr ? grad_output[r] : *grad_output / *divisor, shift = logsumexp[r];
    const T* const from = input + r * columns;
    T* const to = grad_input + r * columns;
    for (i64 c = blockIdx.y * i64(blockDim.x) + threadIdx.x; c < columns; c += i64(gridDim.y) * blockDim.x) {
        const T probability = exponential(from[c] - shift);
        to[c] = label == ignore_index ? T(0) : grad * (c == label ? probability - 1 : probability);
    }
}
