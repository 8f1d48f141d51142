// AlexNet's normalisation across channels, and its gradient: arrays (N, C, Q) of N images with Q pixels.
//
// A thread walks through the channels of one pixel, so that neighbouring threads read neighbouring pixels. What a
// channel contributes to the windows around it is computed once and kept in a ring, in shared memory, for as long as the
// window covers it; each thread has a ring to itself. Every window is added anew: a running sum would be fewer
// additions, but cancel digits. Windows too wide for shared memory compute their terms each time (`held` is false).

//! instances: local_response<float,true> local_response<float,false>
//! instances: local_response<double,true> local_response<double,false>
//! instances: local_response_backward<float,true> local_response_backward<float,false>
//! instances: local_response_backward<double,true> local_response_backward<double,false>

constexpr int max_threads = 256;  // of a block; fewer where their rings take much shared memory

struct Layers {
    i64 images, channels, pixels;  // N, C, Q
    i64 before, after;             // the window of channel c is c - before ... c + after
    i64 tile;                      // so many channels a thread walks through
};

__device__ __forceinline__ float power(float x, float y) { return powf(x, y); }
__device__ __forceinline__ double power(double x, double y) { return pow(x, y); }

// base^(-beta). AlexNet's beta takes two roots, which are several times faster than a power.
template <class T>
__device__ __forceinline__ T damping(T base, T beta) {
    return beta == T(0.75) ? 1 / (square_root(base) * square_root(square_root(base))) : power(base, -beta);
}

// Where this thread's ring begins in shared memory; its places are as far apart as the block has threads.
template <bool held, class Terms>
__device__ __forceinline__ Terms* ring_of_thread() {
    if constexpr (held) {
        MT_DYNAMIC_SHARED(Terms, rings);
        return rings + threadIdx.x;
    }
    return nullptr;
}

// Calls write(position, Σ of the window's terms, the channel's own terms) for the channels of this thread's tile at its
// pixel. compute(position) gives what a channel contributes: `summand`, and what else `write` needs.
template <bool held, class Terms, class Compute, class Write>
__device__ __forceinline__ void slide(const Layers& layers, const Compute& compute, const Write& write) {
    constexpr int at_once = 4;  // channels whose memory is asked for before it is needed
    const i64 number = blockIdx.x * i64(blockDim.x) + threadIdx.x;
    if (number >= layers.images * layers.pixels) return;
    const i64 n = number / layers.pixels, first = n * layers.channels * layers.pixels + number % layers.pixels;
    const i64 begin = blockIdx.y * layers.tile, end = min(begin + layers.tile, layers.channels);
    const int width = int(layers.before + layers.after + 1), threads = blockDim.x;
    const auto terms = [&](i64 c) { return 0 <= c && c < layers.channels ? compute(first + c * layers.pixels) : Terms{}; };

    Terms* const ring = ring_of_thread<held, Terms>();
    int oldest = 0;  // where the next channel goes
    const auto put = [&](const Terms& value) {
        ring[oldest * threads] = value;
        oldest = oldest + 1 < width ? oldest + 1 : 0;
    };
    if constexpr (held) {
        for (i64 c = begin - layers.before; c < begin + layers.after; ++c) put(terms(c));
    }
    for (i64 c = begin; c < end; c += at_once) {
        Terms coming[at_once];
#pragma unroll
        for (int k = 0; k < at_once; ++k) {
            if (held && c + k < end) coming[k] = terms(c + k + layers.after);
        }
#pragma unroll
        for (int k = 0; k < at_once; ++k) {
            if (c + k >= end) break;
            if constexpr (held) put(coming[k]);
            auto sum = Terms{}.summand;
            Terms own{};
            for (int i = 0, slot = oldest; i < width; ++i) {
                const Terms other = held ? ring[slot * threads] : terms(c + k - layers.before + i);
                slot = slot + 1 < width ? slot + 1 : 0;
                sum += other.summand;
                if (i == layers.before) own = other;
            }
            write(first + (c + k) * layers.pixels, sum, own);
        }
    }
}

template <class T>
struct ForwardTerms {
    T summand, x;
};

// base = k + factor·Σ x² over the window, output = x·base^(-beta), both (N, C, Q).
template <class T, bool held>
__global__ void __launch_bounds__(max_threads, 2)
    local_response(const T* __restrict__ input, T* __restrict__ output, T* __restrict__ bases, const T factor,
                   const T beta, const T k, const Layers layers) {
    const auto compute = [&](i64 at) {
        const T x = input[at];
        return ForwardTerms<T>{x * x, x};
    };
    slide<held, ForwardTerms<T>>(layers, compute, [&](i64 at, T squares, const ForwardTerms<T>& own) {
        const T base = k + factor * squares;
        bases[at] = base;
        output[at] = own.x * damping(base, beta);
    });
}

template <class T>
struct BackwardTerms {
    T summand, direct, x;
};

// grad_input = g·base^(-beta) - 2·factor·beta·x·Σ g·x·base^(-beta - 1) over the channels whose windows c is in. In
// `layers` before and after are those of that window, the other way round than in forward.
template <class T, bool held>
__global__ void __launch_bounds__(max_threads, 2)
    local_response_backward(const T* __restrict__ grad_output, const T* __restrict__ input,
                            const T* __restrict__ bases, T* __restrict__ grad_input, const T factor, const T beta,
                            const Layers layers) {
    const auto compute = [&](i64 at) {
        const T x = input[at], base = bases[at], direct = grad_output[at] * damping(base, beta);
        return BackwardTerms<T>{direct * x / base, direct, x};
    };
    slide<held, BackwardTerms<T>>(layers, compute, [&](i64 at, T sum, const BackwardTerms<T>& own) {
        grad_input[at] = own.direct - 2 * factor * beta * own.x * sum;
    });
}
