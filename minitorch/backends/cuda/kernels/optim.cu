// One step of an optimiser on many parameters at once.
//
// Models have many small parameters, and a launch takes longer than the update of most of them. So a launch gets a
// table of up to 64 parameters with their gradients and states. The table is itself an argument: nothing has to be
// copied to the device first, and a captured graph holds it. Each parameter has a number of blocks of its own.

//! instances: sgd<float,false> sgd<float,true> sgd<double,false> sgd<double,true>
//! instances: adam<float,false> adam<float,true> adam<double,false> adam<double,true>
//! instances: rmsprop<float,false,false> rmsprop<float,false,true> rmsprop<float,true,false> rmsprop<float,true,true>
//! instances: rmsprop<double,false,false> rmsprop<double,false,true>
//! instances: rmsprop<double,true,false> rmsprop<double,true,true>

constexpr int step_threads = 256;
constexpr int step_elements = 4;  // of a thread, so that some loads are under way at any time

// Addresses and numbers of elements, and the first block of each. There are 4 KB for all arguments of a kernel.
struct Table {
    u64 parameters[64], gradients[64], states_0[64], states_1[64], states_2[64];
    i64 sizes[64];
    int first_blocks[64], count;
};

// The parameter that this block has a part of: the last one that doesn't begin after it.
__device__ __forceinline__ int parameter_of_block(const Table& table) {
    int k = 0;
#pragma unroll
    for (int step = 32; step > 0; step /= 2) {
        if (k + step < table.count && table.first_blocks[k + step] <= int(blockIdx.x)) k += step;
    }
    return k;
}

// Calls update(g, p, state) for the elements of this block, where p and the first `lists` of state may be changed.
template <class T, int lists, class Update>
__device__ __forceinline__ void update_block(const Table& table, const Update& update) {
    const int k = parameter_of_block(table);
    T* const parameters = reinterpret_cast<T*>(table.parameters[k]);
    const T* const gradients = reinterpret_cast<const T*>(table.gradients[k]);
    T* const states[] = {reinterpret_cast<T*>(table.states_0[k]), reinterpret_cast<T*>(table.states_1[k]),
                         reinterpret_cast<T*>(table.states_2[k])};
    const i64 n = table.sizes[k];
    const i64 begin = i64(int(blockIdx.x) - table.first_blocks[k]) * (step_threads * step_elements) + threadIdx.x;

    T p[step_elements], g[step_elements], state[step_elements][3];
#pragma unroll
    for (int e = 0; e < step_elements; ++e) {
        const i64 i = begin + e * step_threads;
        if (i >= n) continue;
        p[e] = parameters[i];
        g[e] = gradients[i];
#pragma unroll
        for (int l = 0; l < lists; ++l) state[e][l] = states[l][i];
    }
#pragma unroll
    for (int e = 0; e < step_elements; ++e) {
        const i64 i = begin + e * step_threads;
        if (i >= n) continue;
        update(g[e], p[e], state[e]);
        parameters[i] = p[e];
#pragma unroll
        for (int l = 0; l < lists; ++l) states[l][i] = state[e][l];
    }
}

// The gradient to descend, with weight decay. Without it the parameter stays out of it: 0*inf would be NaN.
template <class T>
__device__ __forceinline__ T descent(T g, T p, T weight_decay, bool maximize) {
    if (maximize) g = -g;
    return weight_decay == 0 ? g : g + weight_decay * p;
}


// Takes the numbers of a step from `cells`, in their order, where there are any: a captured graph is launched with the
// arguments that it was captured with, whatever the learning rate has become.
template <class T, class... Numbers>
__device__ __forceinline__ void read_cells(const T* cells, Numbers&... numbers) {
    if (cells != nullptr) ((numbers = *cells++), ...);
}

// g is the gradient with its weight decay. states: with momentum the buffers b = momentum * b + undamped * g, or g on
// the first step. p -= lr * b, with nesterov lr * (g + momentum * b), without momentum lr * g.
template <class T, bool has_momentum>
__global__ void __launch_bounds__(step_threads)
    sgd(Table table, T lr, T momentum, T undamped, T weight_decay, bool nesterov, bool maximize, bool first_step,
        const T* __restrict__ cells) {
    read_cells(cells, lr, momentum, undamped, weight_decay);
    update_block<T, has_momentum>(table, [=](T g, T& p, T* state) {
        g = descent(g, p, weight_decay, maximize);
        if (has_momentum) {
            T& buffer = state[0];
            buffer = first_step ? g : momentum * buffer + undamped * g;
            g = nesterov ? g + momentum * buffer : buffer;
        }
        p -= lr * g;
    });
}

// states: averages of gradients m and of their squares v, with amsgrad also the largest v so far, which takes v's
// place in p = shrink * p - step_size * m / (sqrt(v) * correction + eps). Where the weight decay is decoupled from the
// gradient it is in `shrink`.
template <class T, bool amsgrad>
__global__ void __launch_bounds__(step_threads) adam(Table table, T beta1, T rest1, T beta2, T rest2, T step_size,
                                                     T correction, T eps, T weight_decay, T shrink, bool maximize,
                                                     const T* __restrict__ cells) {
    read_cells(cells, beta1, rest1, beta2, rest2, step_size, correction, eps, weight_decay, shrink);
    update_block<T, 2 + amsgrad>(table, [=](T g, T& p, T* state) {
        g = descent(g, p, weight_decay, maximize);
        T &m = state[0], &v = state[1];
        m = beta1 * m + rest1 * g;
        v = beta2 * v + rest2 * g * g;
        T square = v;
        if (amsgrad) {
            T& largest = state[2];
            if (!(largest >= v) && largest == largest) largest = v;  // a NaN of either stays
            square = largest;
        }
        p = shrink * p - step_size * m / (square_root(square) * correction + eps);
    });
}

// states: averages of squares v, if centered those of gradients a, with momentum the buffers b:
// direction = g / (sqrt(v - a * a) + eps); b = momentum * b + direction; p -= lr * (b or direction).
template <class T, bool centered, bool has_momentum>
__global__ void __launch_bounds__(step_threads)
    rmsprop(Table table, T lr, T alpha, T rest, T eps, T weight_decay, T momentum, bool maximize,
            const T* __restrict__ cells) {
    read_cells(cells, lr, alpha, rest, eps, weight_decay, momentum);
    update_block<T, 1 + centered + has_momentum>(table, [=](T g, T& p, T* state) {
        g = descent(g, p, weight_decay, maximize);
        T& v = state[0];
        v = alpha * v + rest * g * g;
        T variance = v;
        if (centered) {
            T& a = state[1];
            a = alpha * a + rest * g;
            variance = v - a * a;
        }
        T direction = g / (square_root(variance) + eps);
        if (has_momentum) {
            T& buffer = state[1 + centered];
            direction = buffer = momentum * buffer + direction;
        }
        p -= lr * direction;
    });
}
