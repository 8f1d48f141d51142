#include "optim/optim.h"

#include "parallel.h"
#include "simd.h"

namespace mt {
namespace {

// Calls update(g, p, state) for vectors of every parameter's elements, where `state` has `lists` vectors, and stores p
// and the state. The threads share the elements of all parameters laid end to end, so that many small parameters cost
// no more than one large.
template <int lists, class T, class Update>
void update_all(const StepArrays<T>& arrays, double work, const Update& update) {
    using V = Vec<T>;
    std::ptrdiff_t total = 0;
    for (std::ptrdiff_t k = 0; k < arrays.count; ++k) total += arrays.sizes[k];
    parallel_for(total, work, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        std::ptrdiff_t first = 0;  // of parameter k
        for (std::ptrdiff_t k = 0; k < arrays.count && first < end; first += arrays.sizes[k++]) {
            const std::ptrdiff_t stop = end - first < arrays.sizes[k] ? end - first : arrays.sizes[k];
            std::ptrdiff_t i = begin > first ? begin - first : 0;
            const T* g = arrays.gradients[k];
            T* p = arrays.parameters[k];
            T* s[lists + 1];  // at least one element, as C++ wants it
            for (int l = 0; l < lists; ++l) s[l] = arrays.state[l][k];
            V parameter, state[lists + 1];
            for (; i + V::size <= stop; i += V::size) {
                parameter = V::load(p + i);
                for (int l = 0; l < lists; ++l) state[l] = V::load(s[l] + i);
                update(V::load(g + i), parameter, state);
                parameter.store(p + i);
                for (int l = 0; l < lists; ++l) state[l].store(s[l] + i);
            }
            if (i < stop) {
                const int rest = static_cast<int>(stop - i);
                parameter = V::load_partial(p + i, rest);
                for (int l = 0; l < lists; ++l) state[l] = V::load_partial(s[l] + i, rest);
                update(V::load_partial(g + i, rest), parameter, state);
                parameter.store_partial(p + i, rest);
                for (int l = 0; l < lists; ++l) state[l].store_partial(s[l] + i, rest);
            }
        }
    });
}

template <class T>
MT_INLINE Vec<T> set(double x) {
    return Vec<T>::set1(static_cast<T>(x));
}

// The gradient to descend, with weight decay. Without it the parameter stays out of it: 0*inf would be NaN.
template <class T>
MT_INLINE Vec<T> descent(Vec<T> g, Vec<T> p, double weight_decay, bool maximize) {
    if (maximize) g = -g;
    return weight_decay == 0 ? g : fma(set<T>(weight_decay), p, g);
}

template <class T>
void sgd_step(const StepArrays<T>& arrays, const SgdOptions& options) {
    using V = Vec<T>;
    const SgdOptions o = options;
    if (!o.has_momentum) {
        update_all<0>(arrays, 1,
                      [o](V g, V& p, V*) { p = fma(set<T>(-o.lr), descent(g, p, o.weight_decay, o.maximize), p); });
        return;
    }
    update_all<1>(arrays, 1.5, [o](V g, V& p, V* state) {
        V& buffer = state[0];
        g = descent(g, p, o.weight_decay, o.maximize);
        buffer = o.first_step ? g : fma(set<T>(o.momentum), buffer, set<T>(1 - o.dampening) * g);
        p = fma(set<T>(-o.lr), o.nesterov ? fma(set<T>(o.momentum), buffer, g) : buffer, p);
    });
}

template <class T>
void adam_step(const StepArrays<T>& arrays, const AdamOptions& options) {
    using V = Vec<T>;
    const AdamOptions o = options;
    const double step_size = o.lr / (1 - __builtin_pow(o.beta1, o.step));
    const double correction = 1 / __builtin_sqrt(1 - __builtin_pow(o.beta2, o.step));
    const auto average = [=](V g, V& p, V* state) {
        if (o.decoupled) {
            p = p * set<T>(1 - o.lr * o.weight_decay);
            g = descent(g, p, 0, o.maximize);
        } else {
            g = descent(g, p, o.weight_decay, o.maximize);
        }
        state[0] = fma(set<T>(o.beta1), state[0], set<T>(1 - o.beta1) * g);
        state[1] = fma(set<T>(o.beta2), state[1], set<T>(1 - o.beta2) * g * g);
    };
    const auto descend = [=](V& p, V m, V v) {
        p = p - set<T>(step_size) * m / fma(sqrt(v), set<T>(correction), set<T>(o.eps));
    };
    if (o.amsgrad) {
        update_all<3>(arrays, 4, [=](V g, V& p, V* state) {
            average(g, p, state);
            state[2] = max(state[2], state[1]);
            descend(p, state[0], state[2]);
        });
    } else {
        update_all<2>(arrays, 4, [=](V g, V& p, V* state) {
            average(g, p, state);
            descend(p, state[0], state[1]);
        });
    }
}

// The averages of squares come first in the state, then those of a centered step, then the momentum buffers.
template <bool centered, bool has_momentum, class T>
void rmsprop(const StepArrays<T>& arrays, const RmspropOptions& o) {
    using V = Vec<T>;
    update_all<1 + centered + has_momentum>(arrays, 3, [o](V g, V& p, V* state) {
        g = descent(g, p, o.weight_decay, o.maximize);
        state[0] = fma(set<T>(o.alpha), state[0], set<T>(1 - o.alpha) * g * g);
        V variance = state[0];
        if (centered) {
            state[1] = fma(set<T>(o.alpha), state[1], set<T>(1 - o.alpha) * g);
            variance = variance - state[1] * state[1];
        }
        V direction = g / (sqrt(variance) + set<T>(o.eps));
        if (has_momentum) {
            V& buffer = state[1 + centered];
            buffer = direction = fma(set<T>(o.momentum), buffer, direction);
        }
        p = fma(set<T>(-o.lr), direction, p);
    });
}

template <class T>
void rmsprop_step(const StepArrays<T>& arrays, const RmspropOptions& o) {
    if (o.centered) {
        o.has_momentum ? rmsprop<true, true>(arrays, o) : rmsprop<true, false>(arrays, o);
    } else {
        o.has_momentum ? rmsprop<false, true>(arrays, o) : rmsprop<false, false>(arrays, o);
    }
}

template <class T>
constexpr OptimKernels<T> optim_kernels{sgd_step<T>, adam_step<T>, rmsprop_step<T>};

}  // namespace

const OptimTable MT_TABLE(optim) = {optim_kernels<float>, optim_kernels<double>};

}  // namespace mt
